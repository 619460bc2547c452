// What is due, in order of virtual time; ties in the order in which they were planned.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <variant>
#include <vector>

#include <lattice/base/assert.hpp>
#include <lattice/node/effect.hpp>

namespace lattice::sim {

class World;
using HostId = uint32_t;

enum class EventKind : uint8_t {
  timer,    // of a node
  connect,  // a connection request reaches a host
  dialed,   // its answer reaches the dialer
  dial_failed,
  accepted,      // the third packet reaches the listener
  arrival,       // a burst, or the end of a stream, reaches a host's line
  delivery,      // ... and has come through it
  acknowledged,  // and a sender waits for it
  retry,         // a sender's TCP sends again what was not acknowledged
  reset,
  closed,  // the socket of a process has gone
  ready,   // a process has done what kept its processor
  wake,    // a raw host's own timer
  work,    // cryptography that a worker ends
  seed_work,
  chain,  // a command that the chain's worker ends
  body,
  resolved,
  action,  // what a scenario does to the world
};

struct Burst {
  Bytes bytes;
  uint32_t place = 0;  // in the order of its direction
  bool fin = false, lost = false, twice = false;
  bool vanishes = false;  // nobody carries it
};
using Payload = std::variant<std::monostate, Burst, Work, VerifySeeds, ChainCommand, std::optional<SharedBytes>, DnsAnswer,
                             std::function<void(World&)>>;

struct Event {
  int64_t at = 0;
  uint64_t order = 0;
  uint64_t subject = 0;  // a connection, a node's ConnId or a request, by kind
  HostId host = 0;
  uint32_t life = 0;     // of the process that it is for
  uint32_t payload = 0;  // a slot, or none
  EventKind kind = EventKind::timer;
  uint8_t side = 0;  // of the connection: who receives
};

// A binary heap of small events; payloads lie still in slots beside it.
class EventQueue {
 public:
  static constexpr uint32_t no_payload = UINT32_MAX;

  void push(Instant at, Event event) {
    event.at = at.time_since_epoch().count();
    event.order = order_++;
    event.payload = no_payload;
    insert(event);
  }
  void push(Instant at, Event event, Payload payload) {
    event.at = at.time_since_epoch().count();
    event.order = order_++;
    event.payload = take_slot(std::move(payload));
    insert(event);
  }
  bool empty() const { return heap_.empty(); }
  size_t size() const { return heap_.size(); }
  Instant next_at() const { return Instant{Duration{heap_.front().at}}; }
  Event pop() {
    std::ranges::pop_heap(heap_, later);
    const Event event = heap_.back();
    heap_.pop_back();
    return event;
  }
  // The payload of a popped event; its slot is free again.
  Payload claim(const Event& event) {
    if (event.payload == no_payload) return {};
    Payload payload = std::move(slots_[event.payload]);
    slots_[event.payload].emplace<std::monostate>();
    free_.push_back(event.payload);
    return payload;
  }

 private:
  static bool later(const Event& a, const Event& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  void insert(const Event& event) {
    heap_.push_back(event);
    std::ranges::push_heap(heap_, later);
  }
  uint32_t take_slot(Payload payload) {
    if (free_.empty()) {
      slots_.push_back(std::move(payload));
      return static_cast<uint32_t>(slots_.size() - 1);
    }
    const uint32_t slot = free_.back();
    free_.pop_back();
    slots_[slot] = std::move(payload);
    return slot;
  }

  std::vector<Event> heap_;
  std::vector<Payload> slots_;
  std::vector<uint32_t> free_;
  uint64_t order_ = 0;
};

}  // namespace lattice::sim
