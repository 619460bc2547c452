// Any bytes to a link of either role before it is open, in pieces, with the work that it asks for. The first byte says how:
// which role, whether it gets a true first message of its peer before, and the size of the pieces.
#include <cstdlib>

#include "link_config.hpp"

using namespace lattice;
using fuzz::config_of;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto provider = openssl_provider(std::make_unique<SeededRng>(1));
  if (size == 0) return 0;
  const uint8_t how = data[0];
  const Role role = how & 1 ? Role::initiator : Role::responder;
  const Now now{Instant{}, wall_from_unix(1)};
  Link link(config_of(role, *provider), *provider, now);
  const auto work = [&] {
    while (const auto job = link.poll_work()) link.on_work_done(run_work(*job, *provider), now);
  };
  if ((how & 2) && role == Role::responder) {
    Link peer(config_of(Role::initiator, *provider), *provider, now);
    link.on_bytes(peer.pending_output(), now);
    if (how & 4) work();  // else the bytes come while it signs
  }
  const size_t step = size_t{how} / 8 * 40 + 1;
  for (size_t offset = 1; offset < size && !link.closed(); offset += step) {
    link.on_bytes(ByteView(data + offset, std::min(step, size - offset)), now);
    work();
  }
  link.on_sent(link.pending_output().size());
  while (const auto event = link.poll_event()) {
    if (std::holds_alternative<LinkEstablished>(*event)) std::abort();  // nobody guesses a signature
  }
  return 0;
}
