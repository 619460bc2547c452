#include <lattice/sim/campaign/candidates.hpp>

#include <algorithm>
#include <unordered_map>

#include <lattice/base/assert.hpp>
#include <lattice/discovery/address_book_file.hpp>
#include <lattice/sim/campaign/population.hpp>

namespace lattice::sim {
namespace {

struct Count {
  size_t all = 0, hostile = 0;
  void add(const Endpoint& endpoint) {
    ++all;
    hostile += Population::is_hostile(endpoint);
  }
  double share() const { return all == 0 ? 0 : static_cast<double>(hostile) / static_cast<double>(all); }
};

class RealBook final : public Candidates {
 public:
  RealBook(AddressBook book, bool test_first) : book_(std::move(book)), test_first_(test_first) {}

  void add(const KnownAddress& address, const IpAddress& teller, Now now, Rng& rng) override {
    book_.add(address, teller, now, rng);
  }
  void on_dialing(const Endpoint& endpoint, Instant now) override { book_.on_dialing(endpoint, now); }
  void on_connected(const Endpoint& endpoint, Now now) override { book_.on_connected(endpoint, now); }
  void on_failed(const Endpoint& endpoint, Instant now) override { book_.on_failed(endpoint, now); }
  void on_answered(const Endpoint& endpoint, const NodeId& node, Now now) override {
    book_.on_answered(endpoint, node, 1, now);
    if (!test_first_) drop_holder(endpoint, now);
  }
  std::optional<KnownAddress> choose(Instant now, Duration pause_limit, const Usable& usable, Rng& rng) const override {
    return book_.choose(now, pause_limit, usable, rng);
  }
  std::optional<KnownAddress> choose_feeler(Instant now, const Usable& usable, Rng& rng) override {
    return book_.choose_feeler(now, usable, rng);
  }

  std::unique_ptr<Candidates> restarted(Now now, Rng& rng) const override {
    const ChainId chain;
    const Bytes file = encode_address_book(book_, chain);
    AddressBook fresh(rng, book_.capacity(), now.mono);
    const auto loaded = load_address_book(fresh, file, chain, now.wall, now.mono);
    ASSERT(loaded);
    return std::make_unique<RealBook>(std::move(fresh), test_first_);
  }

  Shares hostile_shares() const override {
    Count tried, heard;
    for (uint32_t slot = 0; slot < book_.pool().slots_end(); ++slot) {
      const PoolEntry& entry = book_.pool().at(slot);
      if (entry.live) (entry.tried ? tried : heard).add(entry.endpoint());
    }
    return {tried.share(), heard.share()};
  }

 private:
  // What a book without the test does: who stands where `endpoint` wants to be counts as failed.
  void drop_holder(const Endpoint& endpoint, Now now) {
    const AddressPlaces& places = book_.places();
    const auto mark = places.mark(endpoint);
    const uint32_t slot = book_.pool().find(endpoint, mark);
    if (slot == AddressPool::none || book_.pool().at(slot).tried || book_.waiting() == 0) return;
    const uint32_t place = places.tried_place(mark, places.tried_bucket(group_of(endpoint.ip), mark));
    const uint32_t holder = book_.pool().at_tried(place);
    if (holder != AddressPool::none) book_.on_failed(book_.pool().at(holder).endpoint(), now.mono);
  }

  AddressBook book_;
  bool test_first_;
};

class FlatList final : public Candidates {
 public:
  explicit FlatList(size_t capacity) : capacity_(capacity) {}

  void add(const KnownAddress& address, const IpAddress&, Now, Rng& rng) override {
    if (address.source < PeerSource::peer_exchange) return first_.push_back(address);
    const bool is_new = index_.emplace(address.endpoint, entries_.size()).second;
    if (!is_new) return;
    if (entries_.size() < capacity_) {
      entries_.push_back(address);
      return;
    }
    const size_t victim = rng.below(capacity_);
    index_.erase(entries_[victim].endpoint);
    index_[address.endpoint] = victim;
    entries_[victim] = address;
  }
  void on_dialing(const Endpoint& endpoint, Instant now) override {
    if (auto* entry = find(endpoint)) entry->last_try = now;
  }
  void on_connected(const Endpoint&, Now) override {}
  void on_answered(const Endpoint& endpoint, const NodeId&, Now) override {
    if (auto* entry = find(endpoint)) entry->answered = true, entry->failures = 0;
  }
  void on_failed(const Endpoint& endpoint, Instant now) override {
    if (auto* entry = find(endpoint)) entry->next_try = now + AddressBook::pause_max, ++entry->failures;
  }

  // What trusted sources named comes first here too.
  std::optional<KnownAddress> choose(Instant now, Duration, const Usable& usable, Rng& rng) const override {
    std::vector<const KnownAddress*> trusted;
    for (const KnownAddress& entry : first_)
      if (usable(entry)) trusted.push_back(&entry);
    if (!trusted.empty()) return *trusted[rng.below(trusted.size())];
    return draw(now, usable, rng, false);
  }
  std::optional<KnownAddress> choose_feeler(Instant now, const Usable& usable, Rng& rng) override {
    return draw(now, usable, rng, true);
  }
  std::unique_ptr<Candidates> restarted(Now, Rng&) const override {
    auto out = std::make_unique<FlatList>(*this);
    out->first_.clear();  // a file gains nobody trust
    for (KnownAddress& entry : out->entries_) entry.last_try = entry.next_try = Instant{};
    return out;
  }
  Shares hostile_shares() const override {
    Count tried, heard;
    for (const KnownAddress& entry : entries_) (entry.answered ? tried : heard).add(entry.endpoint);
    return {tried.share(), heard.share()};
  }

 private:
  KnownAddress* find(const Endpoint& endpoint) {
    const auto found = index_.find(endpoint);
    return found == index_.end() ? nullptr : &entries_[found->second];
  }
  std::optional<KnownAddress> draw(Instant now, const Usable& usable, Rng& rng, bool unanswered) const {
    for (int i = 0; i < 1000 && !entries_.empty(); ++i) {
      const KnownAddress& entry = entries_[rng.below(entries_.size())];
      if (entry.next_try <= now && !(unanswered && entry.answered) && usable(entry)) return entry;
    }
    return std::nullopt;
  }

  size_t capacity_;
  std::vector<KnownAddress> entries_;
  std::vector<KnownAddress> first_;  // of trusted sources
  std::unordered_map<Endpoint, size_t> index_;
};

}  // namespace

std::unique_ptr<Candidates> real_book(Rng& rng, size_t capacity, bool test_first) {
  return std::make_unique<RealBook>(AddressBook(rng, capacity), test_first);
}
std::unique_ptr<Candidates> flat_list(size_t capacity) { return std::make_unique<FlatList>(capacity); }

}  // namespace lattice::sim
