// Two links in memory, and whoever sits between them.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include <lattice/link/link.hpp>

namespace lattice::test {

inline constexpr int64_t wall_start = 1'750'000'000;

inline Now at(Duration since_start) {
  return {Instant{} + since_start, wall_from_unix(wall_start) + std::chrono::duration_cast<std::chrono::seconds>(since_start)};
}

inline std::shared_ptr<const Identity> identity(Provider& provider, uint8_t seed, const IdentityOptions* options = nullptr) {
  ByteArray<64> bytes;
  bytes.fill(seed);
  IdentityOptions usual;
  usual.not_before = wall_from_unix(wall_start - 1000);
  usual.not_after = wall_from_unix(wall_start + 1'000'000);
  return make_identity(provider, Secret<64>(bytes), options ? *options : usual);
}

struct LinkPair {
  // Bytes from one side on their way to the other; may change them, or take them away.
  using Tamper = std::function<void(Role from, Bytes& bytes)>;

  std::unique_ptr<Provider> provider = openssl_provider(std::make_unique<SeededRng>(1));
  LinkConfig initiator_config, responder_config;
  std::optional<Link> initiator, responder;
  std::vector<LinkEvent> initiator_events, responder_events;
  Duration now{};
  Tamper tamper;
  size_t bytes_each = 0;  // how many bytes travel at once; 0: all there are
  std::function<WorkResult(const Work&)> worker;

  LinkPair() {
    initiator_config.role = Role::initiator;
    responder_config.role = Role::responder;
    for (LinkConfig* config : {&initiator_config, &responder_config}) {
      config->magic = {0xfa, 0xce, 0x00, 0x01};
      config->chain8 = {1, 2, 3, 4, 5, 6, 7, 8};
    }
    initiator_config.identity = identity(*provider, 11);
    responder_config.identity = identity(*provider, 22);
    worker = [this](const Work& work) { return run_work(work, *provider); };
  }

  Now time() const { return at(now); }

  void connect() {
    initiator.emplace(initiator_config, *provider, time());
    responder.emplace(responder_config, *provider, time());
  }

  void work(Link& link) {
    while (const auto job = link.poll_work()) link.on_work_done(worker(*job), time());
  }

  void drain(Link& link, std::vector<LinkEvent>& events) {
    while (auto event = link.poll_event()) events.push_back(std::move(*event));
  }

  // Moves what one side has; false where it has nothing.
  bool carry(Link& from, Link& to, Role role) {
    const ByteView pending = from.pending_output();
    if (pending.empty()) return false;
    Bytes bytes = to_bytes(pending);
    from.on_sent(bytes.size());
    if (tamper) tamper(role, bytes);
    const size_t step = bytes_each == 0 ? bytes.size() : bytes_each;
    for (size_t offset = 0; offset < bytes.size(); offset += step) {
      to.on_bytes(ByteView(bytes).subspan(offset, std::min(step, bytes.size() - offset)), time());
    }
    return true;
  }

  // Until neither side has anything to say or to work on.
  void run() {
    for (bool moved = true; moved;) {
      work(*initiator);
      work(*responder);
      const bool to_responder = carry(*initiator, *responder, Role::initiator);
      work(*responder);
      const bool to_initiator = carry(*responder, *initiator, Role::responder);
      // What is taken gives credit back, and more may move.
      const size_t before = initiator_events.size() + responder_events.size();
      drain(*initiator, initiator_events);
      drain(*responder, responder_events);
      const bool drained = initiator_events.size() + responder_events.size() != before;
      moved = to_responder || to_initiator || drained;
    }
  }

  void handshake() {
    connect();
    run();
  }
  // The same two once more.
  void handshake_again() {
    initiator_events.clear();
    responder_events.clear();
    handshake();
  }
  bool both_established() { return established(Role::initiator) && established(Role::responder); }

  std::vector<LinkEvent>& events(Role role) { return role == Role::initiator ? initiator_events : responder_events; }

  // What the link of this role says of its end; `none` where it has not ended.
  ErrorCode closed(Role role) {
    for (const LinkEvent& event : events(role)) {
      if (const auto* end = std::get_if<LinkClosed>(&event)) return end->error.code;
    }
    return ErrorCode::none;
  }
  const LinkEstablished* established(Role role) {
    for (const LinkEvent& event : events(role)) {
      if (const auto* one = std::get_if<LinkEstablished>(&event)) return one;
    }
    return nullptr;
  }
  std::vector<wire::Message> messages(Role role) {
    std::vector<wire::Message> found;
    for (const LinkEvent& event : events(role)) {
      if (const auto* one = std::get_if<LinkMessage>(&event)) found.push_back(one->message);
    }
    return found;
  }
};

// Neither side came to believe in a link.
inline void expect_nobody_established(LinkPair& pair) {
  EXPECT_EQ(pair.established(Role::initiator), nullptr);
  EXPECT_EQ(pair.established(Role::responder), nullptr);
}

// A copy to play tricks with.
inline std::shared_ptr<Identity> copy_of(const std::shared_ptr<const Identity>& identity) {
  return std::make_shared<Identity>(*identity);
}

}  // namespace lattice::test
