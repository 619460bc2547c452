// The rules of the address book once more, as plainly as they can be said: maps, no limits of bits, no indices. Where an
// address may stand is asked of AddressPlaces, which has tests of its own.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include <lattice/discovery/address_book.hpp>

namespace lattice::test {

struct ModelEntry {
  std::optional<NodeId> node;
  PeerSource source = PeerSource::peer_exchange;
  uint64_t services = 0;
  int64_t last_seen = 0;
  bool answered = false, stored = false;
  unsigned failures = 0;
  std::optional<Instant> last_try;
  std::set<uint16_t> named_by;
  std::set<uint32_t> places;      // of `new`
  std::optional<uint32_t> tried;  // its place there

  bool trusted() const { return source < PeerSource::peer_exchange; }
};

class ModelBook {
 public:
  explicit ModelBook(const AddressBook& book) : places_(book.places()) {}

  bool add(const KnownAddress& address, const IpAddress& teller, Now now, Rng& rng) {
    const Endpoint& where = address.endpoint;
    if (own_.contains(where) || where.port == 0 || where.ip.is_unspecified()) return false;
    const int64_t today = unix_seconds(now.wall);
    const bool trust = address.source < PeerSource::peer_exchange;
    const int64_t seen = std::max<int64_t>(trust ? today : std::min(address.last_seen, today), 0);
    const auto teller_mark = places_.source_mark(trust ? group_of_trusted(address.source, 0) : group_of(teller));
    if (!entries_.contains(where)) return add_new(address, trust, seen, teller_mark, now);
    ModelEntry& entry = entries_.at(where);
    const bool better = address.source < entry.source;
    if (better && (entry.trusted() || !trust || trusted_count() < AddressBook::trusted_max)) entry.source = address.source;
    if (address.node && (!entry.node || (better && (!entry.answered || entry.stored)))) {
      keep_node(where, *address.node, !entry.answered && !entry.trusted());
    }
    entry.services |= address.services & 0xffff;
    if (!entry.answered) entry.last_seen = std::max(entry.last_seen, seen);
    entry.named_by.insert(teller_mark.bit);
    if (entry.tried || entry.places.size() >= AddressBook::refs_max || trust) return true;
    if (rng.below(uint64_t{1} << entry.places.size()) != 0) return true;
    const uint32_t place = new_place(where, teller_mark);
    if (new_.contains(place)) {
      const Endpoint other = new_.at(place);
      if (other == where || !terrible(other, now)) return true;
      leave(place);
    }
    stand(place, where);
    return true;
  }

  void mark_own(const Endpoint& where) {
    erase(where);
    if (own_.size() < AddressBook::own_max) own_.insert(where);
  }

  void erase(const Endpoint& where) {
    const auto found = entries_.find(where);
    if (found == entries_.end()) return;
    const auto tried = found->second.tried;
    if (tried) tried_.erase(*tried);
    for (const uint32_t place : found->second.places) new_.erase(place);
    entries_.erase(found);
    std::erase_if(waiting_, [&](const auto& waiting) { return waiting.who == where; });
    if (tried) {
      if (const auto next = end_of_waiting(*tried)) promote(*next, *tried);
    }
  }

  void on_dialing(const Endpoint& where, Instant now) {
    if (entries_.contains(where)) entries_.at(where).last_try = now;
  }

  void on_answered(const Endpoint& where, const NodeId& node, uint64_t services, Now now) {
    if (!entries_.contains(where)) return;
    keep_node(where, node, false);
    ModelEntry& entry = entries_.at(where);
    if (services != 0) entry.services = services & 0xffff;
    entry.answered = true;
    entry.stored = false;
    entry.failures = 0;
    entry.last_seen = unix_seconds(now.wall);
    entry.last_try = now.mono;
    if (entry.tried) {
      end_of_waiting(*entry.tried);
      return;
    }
    const uint32_t place = tried_place(where);
    if (!tried_.contains(place)) return promote(where, place);
    end_old_waiting(now.mono);
    for (const auto& waiting : waiting_) {
      if (waiting.who == where || waiting.place == place) return;
    }
    if (waiting_.size() < AddressBook::waiting_max) waiting_.push_back({where, place, now.mono});
  }

  void on_connected(const Endpoint& where, Now now) {
    if (!entries_.contains(where) || !entries_.at(where).answered) return;
    entries_.at(where).last_seen = unix_seconds(now.wall);
    if (entries_.at(where).tried) end_of_waiting(*entries_.at(where).tried);
  }

  void on_failed(const Endpoint& where, Instant now) {
    if (!entries_.contains(where)) return;
    ModelEntry& entry = entries_.at(where);
    entry.failures = std::min(entry.failures + 1, AddressBook::failures_max);
    // The book knows whole seconds.
    const auto whole = [](Instant time) { return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()); };
    const bool dialled = entry.last_try && now.time_since_epoch() - whole(*entry.last_try) <= std::chrono::minutes{1};
    if (!dialled) entry.last_try = now;
    if (entry.failures >= AddressBook::failures_max && !entry.answered && !entry.trusted()) return erase(where);
    if (!entry.tried) return;
    const uint32_t place = *entry.tried;
    const auto newcomer = end_of_waiting(place);
    if (!newcomer) return;
    tried_.erase(place);
    entry.tried.reset();
    promote(*newcomer, place);
    const auto back = any_place(where, entry.source);
    if (back) {
      stand(*back, where);
    } else {
      erase(where);
    }
  }

  // Also whenever a feeler is asked for.
  void end_old_waiting(Instant now) {
    std::erase_if(waiting_, [&](const auto& waiting) { return now - waiting.since > AddressBook::test_window; });
  }

  // What a file does to it.
  void reload(Now now) {
    for (auto& [where, entry] : entries_) {
      entry.last_seen = std::min(entry.last_seen, unix_seconds(now.wall));
      entry.source = PeerSource::peer_exchange;
      entry.stored = true;
      entry.last_try.reset();
    }
    waiting_.clear();
  }

  bool terrible(const Endpoint& where, Now now) const {
    const ModelEntry& entry = entries_.at(where);
    if (entry.trusted()) return false;
    // The book knows whole seconds.
    const auto whole = [](Instant time) { return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()); };
    if (entry.last_try && now.mono.time_since_epoch() - whole(*entry.last_try) < std::chrono::minutes{1}) return false;
    const int64_t age = unix_seconds(now.wall) - entry.last_seen;
    const bool old = age > 30 * 86'400, ahead = age < -600;
    const bool silent = !entry.answered && entry.failures >= 3;
    const bool gone = entry.answered && entry.failures >= 10 && age > 7 * 86'400;
    return old || ahead || silent || gone;
  }

  const std::map<Endpoint, ModelEntry>& entries() const { return entries_; }
  size_t waiting() const { return waiting_.size(); }
  size_t tried_size() const { return tried_.size(); }

 private:
  struct Waiting {
    Endpoint who;
    uint32_t place;
    Instant since;
  };

  static AddressGroup group_of_trusted(PeerSource source, uint8_t attempt) {
    return {{0xff, static_cast<uint8_t>(source), attempt}};
  }
  size_t trusted_count() const {
    return static_cast<size_t>(std::ranges::count_if(entries_, [](const auto& entry) { return entry.second.trusted(); }));
  }
  size_t node_count() const {
    return static_cast<size_t>(
        std::ranges::count_if(entries_, [](const auto& entry) { return entry.second.node.has_value(); }));
  }
  void keep_node(const Endpoint& where, const NodeId& node, bool hearsay) {
    const size_t most = size_t{places_.layout().places()} * 3 / 8;
    ModelEntry& entry = entries_.at(where);
    if (entry.node || node_count() < (hearsay ? most / 2 : most)) entry.node = node;
  }
  uint32_t new_place(const Endpoint& where, const AddressPlaces::SourceMark& teller) const {
    return places_.new_place(places_.mark(where), places_.new_bucket(group_of(where.ip), teller));
  }
  uint32_t tried_place(const Endpoint& where) const {
    const auto mark = places_.mark(where);
    return places_.tried_place(mark, places_.tried_bucket(group_of(where.ip), mark));
  }
  void stand(uint32_t place, const Endpoint& where) {
    new_[place] = where;
    entries_.at(where).places.insert(place);
  }
  void leave(uint32_t place) {
    const Endpoint other = new_.at(place);
    new_.erase(place);
    entries_.at(other).places.erase(place);
    if (entries_.at(other).places.empty()) erase(other);
  }
  bool add_new(const KnownAddress& address, bool trust, int64_t seen, const AddressPlaces::SourceMark& teller, Now now) {
    const Endpoint& where = address.endpoint;
    trust = trust && trusted_count() < AddressBook::trusted_max;
    uint32_t place = new_place(where, teller);
    if (trust) {
      const auto found = any_place(where, address.source);
      if (!found) return false;
      place = *found;
    } else if (new_.contains(place)) {
      const ModelEntry& other = entries_.at(new_.at(place));
      if (other.trusted() || (!terrible(new_.at(place), now) && other.places.size() == 1)) return false;
      leave(place);
    }
    ModelEntry& entry = entries_[where];
    const bool hearsay = address.source < PeerSource::peer_exchange && !trust;
    entry.source = hearsay ? PeerSource::peer_exchange : address.source;
    entry.services = address.services & 0xffff;
    entry.last_seen = seen;
    entry.named_by.insert(teller.bit);
    if (address.node) keep_node(where, *address.node, !trust);
    stand(place, where);
    return true;
  }
  // A place made free from whoever is not trusted.
  std::optional<uint32_t> any_place(const Endpoint& where, PeerSource source) {
    const bool trust = source < PeerSource::peer_exchange;
    for (uint8_t attempt = 0; attempt < (trust ? 8 : 1); ++attempt) {
      const auto teller = trust ? group_of_trusted(source, attempt) : group_of(where.ip);
      const uint32_t place = new_place(where, places_.source_mark(teller));
      if (!new_.contains(place)) return place;
      if (entries_.at(new_.at(place)).trusted()) continue;
      leave(place);
      return place;
    }
    return std::nullopt;
  }
  void promote(const Endpoint& where, uint32_t place) {
    ModelEntry& entry = entries_.at(where);
    for (const uint32_t left : entry.places) new_.erase(left);
    entry.places.clear();
    entry.tried = place;
    tried_[place] = where;
  }
  std::optional<Endpoint> end_of_waiting(uint32_t place) {
    const auto found = std::ranges::find(waiting_, place, &Waiting::place);
    if (found == waiting_.end()) return std::nullopt;
    const Endpoint who = found->who;
    waiting_.erase(found);
    return who;
  }

  AddressPlaces places_;
  std::map<Endpoint, ModelEntry> entries_;
  std::map<uint32_t, Endpoint> new_, tried_;
  std::vector<Waiting> waiting_;
  std::set<Endpoint> own_;
};

}  // namespace lattice::test
