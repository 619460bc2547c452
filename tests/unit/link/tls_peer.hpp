// A peer in suite 0x0101 that is taken apart: TLS, and whatever one likes to say inside it.
#pragma once

#include <lattice/link/handshake.hpp>
#include <lattice/link/record.hpp>
#include <lattice/link/tls_stage.hpp>
#include <lattice/wire/writer.hpp>

#include "link_pair.hpp"

namespace lattice::test {

// Two nodes whose policy leaves nothing but TLS.
struct TlsPair : LinkPair {
  TlsPair() {
    initiator_config.suites = {Suite::tls13};
    responder_config.suites = {Suite::tls13};
  }
};

// An initiator against the pair's responder.
struct TlsPeer : TlsPair {
  std::unique_ptr<TlsEndpoint> tls = provider->tls(TlsSide::client);
  Bytes heard;  // inside TLS
  ErrorCode tls_error = ErrorCode::none;

  TlsPeer() { responder.emplace(responder_config, *provider, time()); }

  // Everything that either side has for the other.
  void exchange() {
    for (bool moved = true; moved;) {
      const Bytes said = tls->take_output();
      if (!said.empty()) responder->on_bytes(said, time());
      work(*responder);
      const Bytes answer = to_bytes(responder->pending_output());
      responder->on_sent(answer.size());
      const auto read = tls->on_bytes(answer, heard);
      if (!read) tls_error = read.error().code;
      moved = !said.empty() || !answer.empty();
    }
    drain(*responder, responder_events);
  }
  void connect_tls() {
    exchange();
    ASSERT_TRUE(tls->established());
  }
  void say(ByteView words) {
    tls->write(words);
    exchange();
  }
  // A record with one message.
  static Bytes ping() {
    const Bytes message = wire::encode(wire::Ping{7}, message_version).head;
    Bytes record(limits::frame_header_bytes);
    const uint8_t whole = wire::FrameFlags::first | wire::FrameFlags::last;
    wire::write_frame_header(record.data(), 1, wire::lane_of(wire::Command::ping), whole, message.size());
    append(record, message);
    return framed(record);
  }
  // The next handshake message or record that was heard, without its length.
  Bytes take_heard() {
    if (heard.size() < 2) return {};
    const size_t length = static_cast<size_t>(heard[0] << 8 | heard[1]);
    EXPECT_GE(heard.size(), 2 + length);
    Bytes unit(heard.begin() + 2, heard.begin() + 2 + static_cast<ptrdiff_t>(length));
    heard.erase(heard.begin(), heard.begin() + 2 + static_cast<ptrdiff_t>(length));
    return unit;
  }
  // The honest handshake, to its end.
  void introduce() {
    connect_tls();
    Handshake handshake(initiator_config, *provider, time());
    ASSERT_TRUE(handshake.wants_tls());
    handshake.on_tls(*tls);
    say(framed(*handshake.poll_message()));
    ASSERT_TRUE(handshake.on_message(take_heard(), time()));
    while (const auto job = handshake.poll_work()) ASSERT_TRUE(handshake.on_work_done(run_work(*job, *provider), time()));
    say(framed(*handshake.poll_message()));
    ASSERT_NE(established(Role::responder), nullptr);
  }
};

}  // namespace lattice::test
