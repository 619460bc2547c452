#include <lattice/sim/campaign/inbound_slots.hpp>

#include <algorithm>
#include <cmath>

#include <lattice/peers/eviction.hpp>

namespace lattice::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Door {
 public:
  Door(const Population& population, bool merits, uint64_t seed)
      : population_(population), merits_(merits), rng_(seed), plan_(SlotLimits{}) {
    rng_.fill(key_);
  }

  void knock(bool hostile, Instant now) {
    const auto& from = hostile ? population_.hostile() : population_.honest();
    if (from.empty()) return;
    const Endpoint endpoint = population_.any(from, rng_);
    if (!population_.is_there(endpoint, now)) return;
    const SlotAddress address = population_.slot_address(endpoint, true);
    while (const auto refusal = plan_.refusal(SlotKind::inbound, address)) {
      if (*refusal != SlotRefusal::kind_full && *refusal != SlotRefusal::all_full) return;
      if (!make_room()) return;
    }
    const ConnId conn{++last_};
    plan_.add(conn, SlotKind::inbound, address, now);
    peers_.push_back(candidate(conn, address, hostile, now));
    hostile_.push_back(hostile);
  }

  // Once a minute: honest peers leave, and bring what is new.
  void pass(Instant now) {
    for (size_t i = peers_.size(); i-- > 0;) {
      if (!hostile_[i] && rng_.unit() < 1.0 / 240) {
        drop(i);
      } else if (rng_.unit() < (hostile_[i] ? 0.02 : 0.1)) {
        peers_[i].last_message = now;
      } else if (!hostile_[i] && rng_.unit() < 0.01) {
        peers_[i].last_block = now;
      }
    }
  }

  InboundSlots slots() const {
    const auto hostile = static_cast<size_t>(std::ranges::count(hostile_, true));
    return {hostile_.size() - hostile, hostile};
  }

 private:
  EvictionCandidate candidate(ConnId conn, const SlotAddress& address, bool hostile, Instant now) {
    EvictionCandidate out;
    out.conn = conn;
    out.group = keyed_group(key_, address.endpoint.ip);
    out.region = address.region;
    out.connected = now;
    out.ping_min = milliseconds{static_cast<int64_t>(hostile ? 2 + rng_.below(100) : 5 + rng_.below(200))};
    return out;
  }
  bool make_room() {
    if (!merits_) {
      drop(rng_.below(peers_.size()));
      return true;
    }
    const auto victim = eviction_victim(peers_, EvictionLimits{});
    if (!victim) return false;
    drop(static_cast<size_t>(std::ranges::find(peers_, *victim, &EvictionCandidate::conn) - peers_.begin()));
    return true;
  }
  void drop(size_t i) {
    plan_.remove(peers_[i].conn);
    peers_.erase(peers_.begin() + static_cast<ptrdiff_t>(i));
    hostile_.erase(hostile_.begin() + static_cast<ptrdiff_t>(i));
  }

  const Population& population_;
  bool merits_;
  SeededRng rng_;
  SlotPlan plan_;
  ByteArray<32> key_{};
  uint64_t last_ = 0;
  std::vector<EvictionCandidate> peers_;
  std::vector<bool> hostile_;
};

}  // namespace

InboundSlots inbound_slots(const Population& population, const Siege& attack, bool merits, Duration time, uint64_t seed) {
  Door door(population, merits, seed);
  Instant now{};
  const Instant begins = now + hours{6};
  for (double knocks = 0; now < begins + time; now += seconds{30}) {
    door.knock(false, now);
    if (now >= begins) knocks += attack.knocks * 30;
    for (; knocks >= 1; --knocks) door.knock(true, now);
    if (now.time_since_epoch() % seconds{60} == Duration{}) door.pass(now);
  }
  return door.slots();
}

}  // namespace lattice::sim
