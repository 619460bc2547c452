// Any bytes to a responder's link in suite 0x0101, in pieces, with the work that it asks for. The first byte says how far a true
// client goes first: not at all (the bytes are those of the wire, behind 16 03), its flights with some bytes flipped, TLS (the
// bytes are what is said inside), or TLS and a true hello.
#include <cstdlib>

#include <lattice/link/handshake.hpp>
#include <lattice/link/record.hpp>

#include "link_config.hpp"

using namespace lattice;

static LinkConfig config_of(Role role, Provider& provider) {
  LinkConfig config = fuzz::config_of(role, provider);
  config.suites = {Suite::tls13};
  return config;
}

namespace {

enum class How : uint8_t { wire, flights, inside, after_hello };

struct Run {
  Provider& provider;
  Now now{Instant{}, wall_from_unix(1)};
  std::unique_ptr<TlsEndpoint> client = provider.tls(TlsSide::client);
  Bytes heard;
  Link link{config_of(Role::responder, provider), provider, now};

  void work() {
    while (const auto job = link.poll_work()) link.on_work_done(run_work(*job, provider), now);
  }
  void on_wire(ByteView bytes, size_t step) {
    for (size_t at = 0; at < bytes.size() && !link.closed(); at += step) {
      link.on_bytes(bytes.subspan(at, std::min(step, bytes.size() - at)), now);
      work();
    }
  }
  void answer() {
    const Bytes bytes = to_bytes(link.pending_output());
    link.on_sent(bytes.size());
    (void)client->on_bytes(bytes, heard);
  }
  void connect() {
    on_wire(client->take_output(), 1 << 16);
    answer();
    on_wire(client->take_output(), 1 << 16);
    if (!client->established()) std::abort();
  }
  void say(ByteView text, size_t step) {
    for (size_t at = 0; at < text.size() && !link.closed(); at += step) {
      client->write(text.subspan(at, std::min(step, text.size() - at)));
      on_wire(client->take_output(), 1 << 16);
      answer();
    }
  }
  void say_hello() {
    Handshake handshake(config_of(Role::initiator, provider), provider, now);
    handshake.on_tls(*client);
    const Bytes hello = framed(*handshake.poll_message());
    say(hello, hello.size());
  }
  // Each pair of bytes: how far from the last flip, and which bits.
  void flip(Bytes& flight, ByteView& flips) const {
    size_t at = 0;
    while (flips.size() >= 2 && at + flips[0] < flight.size()) {
      at += flips[0];
      flight[at] ^= flips[1];
      flips = flips.subspan(2);
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto provider = openssl_provider(std::make_unique<SeededRng>(1));
  if (size == 0) return 0;
  const auto how = static_cast<How>(data[0] & 3);
  const size_t step = size_t{data[0]} / 4 * 40 + 1;
  ByteView rest(data + 1, size - 1);
  Run run{*provider};
  if (how == How::wire) {
    run.on_wire(Bytes{0x16, 0x03}, 2);
    run.on_wire(rest, step);
  } else if (how == How::flights) {
    for (int flight = 0; flight < 2; ++flight) {
      Bytes bytes = run.client->take_output();
      run.flip(bytes, rest);
      run.on_wire(bytes, step);
      run.answer();
    }
  } else {
    run.connect();
    if (how == How::after_hello) run.say_hello();
    run.say(rest, step);
  }
  run.answer();
  while (const auto event = run.link.poll_event()) {
    if (std::holds_alternative<LinkEstablished>(*event)) std::abort();  // nobody guesses a signature
  }
  return 0;
}
