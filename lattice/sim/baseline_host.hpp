// What the baselines share: how messages and control are framed on a plain connection, how they queue for a line, and what it
// costs to judge a message before it is passed on. They speak without encryption and trust each other: both are in their favour.
//
// frame = kind 1 | bytes 4, big-endian | payload. A message begins with its id: 20 bytes that nobody else's has.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include <lattice/sim/raw_host.hpp>
#include <lattice/sim/world.hpp>

namespace lattice::sim {

using MessageId = ByteArray<20>;
// `bytes` of it, with an id from `number`; at least an id.
SharedBytes baseline_message(uint64_t number, size_t bytes);
MessageId message_id(ByteView message);

// Shared by the hosts of a world: messages are kept once, and who has what is told.
struct BaselineLedger {
  Costs costs;
  std::map<MessageId, SharedBytes> messages;
  // Judged for the first time.
  std::function<void(HostId, const MessageId&, Instant)> on_message;
  // Came whole, for the first time or once more.
  std::function<void(HostId)> on_copy;
};

struct BaselineConfig {
  std::vector<Endpoint> dial;
  bool silent = false;  // takes part in everything, and never passes a message or an id on
  bool blocks = false;  // messages cost what judging a block of their size does, not a signature
  std::shared_ptr<BaselineLedger> ledger;
};

class BaselineHost : public RawHost {
 public:
  explicit BaselineHost(BaselineConfig config) : config_(std::move(config)) {}
  // A message of its own: in the ledger already.
  void publish(RawNet& net, const MessageId& id);

  void on_start(RawNet& net) override;
  void on_open(RawNet& net, SocketId socket, const Endpoint& remote, bool inbound) final;
  void on_dial_failed(RawNet& net, SocketId socket) final;
  void on_bytes(RawNet& net, SocketId socket, ByteView bytes) final;
  void on_closed(RawNet& net, SocketId socket) final;
  void on_wake(RawNet& net) final;

 protected:
  enum class Frame : uint8_t { message, ihave, iwant, graft, prune };
  static constexpr size_t control_bytes_max = 64 * 1024;

  // A new message, judged; `from` is nobody where it is its own.
  virtual void on_message(RawNet& net, const MessageId& id, std::optional<SocketId> from) = 0;
  virtual void on_control(RawNet&, SocketId, Frame, ByteView) {}
  virtual void on_neighbour(RawNet&, SocketId, bool /*inbound*/) {}
  virtual void on_neighbour_gone(RawNet&, SocketId) {}
  // Its own timer, where it has one.
  virtual std::optional<Instant> next_timeout() const { return std::nullopt; }
  virtual void on_timeout(RawNet&) {}

  void send_message(RawNet& net, SocketId to, const MessageId& id);
  void send_control(RawNet& net, SocketId to, Frame frame, ByteView payload);
  bool seen(const MessageId& id) const { return seen_.contains(id); }
  bool silent() const { return config_.silent; }
  std::vector<SocketId> neighbours() const;

 private:
  struct Outgoing {
    SharedBytes bytes;
    size_t sent = 0;
  };
  struct Neighbour {
    std::deque<Outgoing> queue;
    // What is being read: the frame's header, then of a message its id, of control everything.
    Bytes gathered;
    size_t skip = 0;  // of a message, behind its id
  };
  struct Judging {
    MessageId id{};
    SocketId from{};
    Instant done;
  };

  void on_whole_message(RawNet& net, SocketId socket, const MessageId& id);
  void enqueue(RawNet& net, SocketId to, SharedBytes bytes);
  void feed(RawNet& net, SocketId to, Neighbour& neighbour);
  void dial(RawNet& net);
  void plan_wake(RawNet& net);

  BaselineConfig config_;
  std::map<SocketId, Endpoint> dialing_;
  std::vector<Endpoint> to_dial_;  // at dial_at_: the first ones, and again those that did not answer
  Instant dial_at_{};
  std::map<SocketId, Neighbour> neighbours_;
  std::set<SocketId> waiting_;  // with something queued that the socket did not take yet
  std::set<MessageId> seen_;
  std::deque<Judging> judging_;  // one at a time
  Instant judge_free_{};
};

}  // namespace lattice::sim
