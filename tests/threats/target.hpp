// One node under attack, and hostile peers with keys of their own: they shake hands as anybody does, and then seal whatever bytes
// they like.
//
// The node's wishes are carried out at once and time stands still until `pass`. What the node takes from the heap, its chain and
// store included, is counted (heap.hpp); what the peers hold is not.
#pragma once

#include <functional>
#include <map>
#include <set>

#include <lattice/link/handshake.hpp>
#include <lattice/link/lanes.hpp>
#include <lattice/link/record.hpp>
#include <lattice/node/memory_store.hpp>
#include <lattice/node/node.hpp>

#include "../unit/node/line_chain.hpp"
#include "heap.hpp"

namespace lattice::threats {

constexpr size_t read_bytes = 64 * 1024;  // of one read from a socket

struct Heard final : LogSink {
  size_t lines = 0;
  bool wants(LogLevel level) const override { return level >= LogLevel::info; }
  void log(const LogEvent&) override { ++lines; }
};

class Caller;

class Target {
 public:
  explicit Target(std::unique_ptr<Chain> chain = std::make_unique<test::LineChain>());
  ~Target();

  void start();
  // Carries out what the node wishes, until nothing is left to do.
  void settle();
  // Time goes by; the node is woken whenever it wants to be.
  void pass(Duration duration);
  NodeReport report() const;
  std::optional<PeerReport> peer(ConnId conn) const;
  std::optional<LeftReport> left(const Endpoint& endpoint) const;

  Now now{Instant{std::chrono::seconds{1000}}, wall_from_unix(1'800'000'000)};
  std::unique_ptr<Provider> provider;
  std::unique_ptr<Chain> chain;
  std::function<std::optional<SharedBytes>(const BlockHash&)> body;
  MemoryStore store;
  Heard log;
  NodeConfig config;
  std::unique_ptr<Node> node;
  bool works = true;     // false: no worker ever answers
  bool verifies = true;  // false: none answers whether a signature is good
  size_t commands = 0;   // that the chain was given
  size_t wishes = 0;     // effects carried out
  size_t wake_ups = 0;   // timeouts

 private:
  friend class Caller;
  void act(Effect effect);
  void write(ConnId conn);

  std::map<ConnId, Caller*> callers_;
  bool settling_ = false;
};

// The peer's end of one connection.
class Caller {
 public:
  // Calls the node. `number`: which of many; the same number has the same keys and, where none is given, address.
  Caller(Target& target, size_t number, std::optional<Endpoint> from = {});
  ~Caller();
  Caller(const Caller&) = delete;

  // Message 1, and what follows from it. False: the node closed.
  bool shake_hands();
  // The same, and the channel.
  bool open();
  void hello();  // message 1 alone

  void send_raw(ByteView bytes);
  // Frames, as many to a record as fit.
  void send_frames(const std::vector<Bytes>& frames);
  void send(const wire::Message& message);
  void hang_up();
  // Takes what waits for it, once.
  void read();

  ConnId conn;
  Endpoint endpoint;
  std::shared_ptr<const Identity> identity;
  wire::Status status;
  uint16_t version = 1;
  bool accepted = false, closed = false;
  bool reads = true;
  bool answers_handshake = true;                      // false: keeps message 3 to itself
  std::vector<wire::Message> received;                // where there is no `hear`
  std::function<void(Caller&, wire::Message&)> hear;  // may send
  size_t heard = 0;
  std::optional<ErrorCode> close_reason;
  // Sealed, with its length, and not sent.
  Bytes seal(const std::vector<Bytes>& frames);

 private:
  friend class Target;
  void take(ByteView bytes) { append(inbox_, bytes); }
  bool work();
  void on_unit(ByteView unit);
  void on_record(ByteView sealed);

  Target& target_;
  std::unique_ptr<Provider> provider_;
  std::optional<Handshake> handshake_;
  std::optional<RecordSealer> sealer_;
  std::optional<RecordOpener> opener_;
  ReceiveLanes parts_;
  Bytes inbox_;
};

// Bytes put together by hand.
Bytes frame(wire::ChannelId channel, wire::Lane lane, uint8_t flags, ByteView chunk);
Bytes whole(const wire::Message& message);  // header and payload
// A message of this payload with a true checksum, whatever it says; `length` where the header shall lie.
Bytes forged(uint16_t command, ByteView payload, std::optional<uint32_t> length = {}, uint16_t version = 1);
std::vector<Bytes> frames_of(ByteView message, wire::Lane lane, wire::ChannelId channel = 1);

std::shared_ptr<const Identity> identity_of(size_t number);
// Answers headers and blocks as an honest peer with this line does.
void answer_honestly(Caller& caller, wire::Message& message, const std::vector<test::LineBlock>& line);

}  // namespace lattice::threats
