// The address book: every address where a node was said to be, bounded, in buckets under a secret key (address_places.hpp) so
// that who fills it fills a known share at most. It answers whom to dial, whom to test and whom to tell others of.
//
//   add -> new -> (answered) -> tried            an address answers: it gets its place in `tried` if that is free
//                     |           ^
//                     v           | the old one failed its test
//                  waiting -------+              the place is taken: whoever stands there is tested first, by a feeler, within
//                     |                          test_window; if it answers or nobody comes to test it, it stays
//                     v
//                    new                         failed: the old one goes back to `new`, over whoever stands there
//
// Rules of `new` (the countermeasures of Heilman et al. 2015 as Bitcoin Core took them over): an address stands in at most
// refs_max places, each for another group of tellers; a further place is tried for with probability 1/2^refs; a place that is
// taken goes to a newcomer only if whoever stands there is terrible, or has other places while the newcomer has none.
// An address of a trusted source gives way to nobody, and takes the place of any that is not.
//
// No clock and no randomness of its own; times that peers tell are held between the beginning of time and now.
#pragma once

#include <functional>
#include <set>
#include <vector>

#include <lattice/base/random.hpp>
#include <lattice/discovery/address_pool.hpp>
#include <lattice/wire/messages.hpp>

namespace lattice {

class AddressBook {
 public:
  static constexpr size_t capacity_default = 80'000;
  static constexpr size_t own_max = 32;
  static constexpr size_t trusted_max = 1024;  // more of trusted sources are hearsay
  static constexpr unsigned refs_max = 4;
  // An address that never answered is forgotten then. At pause_max that is most of a day: after a partition of hours each side
  // still knows whom to look for on the other.
  static constexpr unsigned failures_max = 100;
  static constexpr Duration pause_first = std::chrono::seconds{10}, pause_max = std::chrono::minutes{10};
  // What pauses are cut to with no peer at all, and with too few: then the others may be back after a partition.
  static constexpr Duration pause_alone = std::chrono::seconds{15}, pause_short = std::chrono::minutes{1};
  static constexpr Duration dial_max = std::chrono::minutes{1};  // what failed later was a link and no dial
  // Newcomers that wait for a test of who has their place, and how long.
  static constexpr size_t waiting_max = 16;
  static constexpr Duration test_window = std::chrono::minutes{40};
  // Terrible, unless trusted or dialled within the last minute: not seen for a month; never answered and failed three times;
  // failed ten times and not seen for a week; seen in the future (our own clock was set back).
  static constexpr int64_t seen_max = int64_t{30} * 86'400, seen_failing_max = int64_t{7} * 86'400, ahead_max = 600;
  static constexpr unsigned failures_unknown = 3, failures_answered = 10;
  // What others are told of at once: this share, so that nobody learns all of it soon; but so many at least, for a small
  // network must find itself.
  static constexpr size_t told_percent = 23, told_min = 64;

  // The key is drawn from `rng`. `began` is where `now` begins: no time before it is told apart from it.
  explicit AddressBook(Rng& rng, size_t capacity = capacity_default, Instant began = {});

  // Whether an address that came from `from` is worth keeping: routable, or loopback that was told over loopback, and a port.
  static bool acceptable(const Endpoint& endpoint, const IpAddress& from);

  // What `teller`, or the trusted source that `address` names, says. Taken of `address`: endpoint, node, source, services,
  // last_seen. A better source replaces a worse one; who answered knows best who it is and when it was there; a NodeID is kept
  // once known, but for a stored one that a better source contradicts. False: it is not in the book.
  bool add(const KnownAddress& address, const IpAddress& teller, Now now, Rng& rng);
  void mark_own(const Endpoint& endpoint);
  bool is_own(const Endpoint& endpoint) const { return own_.contains(endpoint); }
  void erase(const Endpoint& endpoint);
  // Addresses that are not in the book are passed over, here and below.
  void on_dialing(const Endpoint& endpoint, Instant now);
  void on_answered(const Endpoint& endpoint, const NodeId& node, uint64_t services, Now now);
  // The link that we dialled is still there.
  void on_connected(const Endpoint& endpoint, Now now);
  void on_failed(const Endpoint& endpoint, Instant now);

  // Whom to dial now: what trusted sources named (the most trusted first, while they answer or were not tried), else `tried`
  // or, less often, `new`: a random place of a random bucket, the less likely the more often it failed and the longer
  // ago it was seen. `usable` says whether it may be dialled at all; after failures nobody is waited for longer than
  // `pause_limit`. Where draws find nobody, scan_max entries from a random one on are looked at: a small book gives whom it has.
  using Usable = std::function<bool(const KnownAddress&)>;
  static constexpr unsigned draws_max = 32;
  static constexpr uint32_t scan_max = 8192;
  std::optional<KnownAddress> choose(Instant now, Duration pause_limit, const Usable& usable, Rng& rng) const;
  // Of so many choices one is from `new`: who is only heard of cost whoever told of it nothing. Feelers bring those that answer
  // into `tried`.
  static constexpr uint64_t new_share = 4;
  // Whom to dial only to see whether it answers: who must be tested for a newcomer's sake; once in old_share times one of `tried`
  // that was not seen for old_after, for else those that have gone stay there, and an attacker's addresses, which never go,
  // become more and more of what answers; else of `new` one that never answered.
  static constexpr uint64_t old_share = 4;
  static constexpr int64_t old_after = 86'400;
  std::optional<KnownAddress> choose_feeler(Instant now, const Usable& usable, Rng& rng);

  // For a peer at `to`: a uniform choice of those that serve or have answered, are not terrible, and which that peer can use.
  // Looks at every entry: to be asked for once a link.
  std::vector<wire::PeerAddress> sample(const IpAddress& to, size_t count_max, Now now, Rng& rng) const;

  size_t size() const { return pool_.size(); }
  size_t tried_size() const { return pool_.tried_count(); }
  std::optional<KnownAddress> find(const Endpoint& endpoint) const;
  // How many groups of tellers named it, at least; at most AddressPlaces::source_bits.
  unsigned sources_of(const Endpoint& endpoint) const;
  size_t capacity() const { return places_.layout().places(); }
  // Of entries with their indices, and of NodeIDs with theirs; without what is bounded by a small number.
  size_t memory_bytes() const { return pool_.memory_bytes(); }
  size_t node_bytes() const { return pool_.node_bytes(); }

  // For files, tests and measurements.
  const AddressPool& pool() const { return pool_; }
  const AddressPlaces& places() const { return places_; }
  bool terrible(const PoolEntry& entry, Now now) const;
  size_t waiting() const { return waiting_.size(); }

  // What a file says (address_book_file.hpp).
  struct Stored {
    KnownAddress address;
    uint16_t sources = 0;
    bool tried = false;
    std::vector<uint32_t> buckets;  // of `new`, ascending
  };
  // A book without entries under another key, with this one's capacity and own addresses. Nothing that is restored there and
  // was not dialled since is dialled before `dial_after`.
  AddressBook emptied(const Secret<32>& key, Instant dial_after) const;
  // False: its places are taken, it has none, or it is in already. `rebuild`: it comes from a book with other buckets, and gets
  // a place as if its own group had told of it.
  bool restore(const Stored& stored, WallTime now, bool rebuild);

 private:
  struct Waiting {
    uint32_t newcomer = 0, place = 0;  // of `tried`
    Instant since{};
  };
  enum class Table : uint8_t { both, only_new, only_old };  // only_old: of `tried`, not seen for old_after

  AddressBook(const Secret<32>& key, size_t capacity, Instant began);
  uint32_t find_slot(const Endpoint& endpoint) const;
  KnownAddress known(uint32_t slot) const;
  void merge(uint32_t slot, const KnownAddress& address, int64_t last_seen);
  void raise_source(uint32_t slot, PeerSource source);
  bool add_new(const KnownAddress& address, const AddressPlaces::Mark& mark, const AddressPlaces::SourceMark& source, Now now);
  void add_place(uint32_t slot, const AddressPlaces::Mark& mark, const AddressPlaces::SourceMark& source, Now now);
  std::optional<uint32_t> free_place(const Endpoint& endpoint, const AddressPlaces::Mark& mark,
                                     const AddressPlaces::SourceMark& source, bool further, Now now);
  std::optional<uint32_t> any_place(const Endpoint& endpoint, const AddressPlaces::Mark& mark, PeerSource source);
  const AddressPlaces::SourceMark& source_mark(const AddressGroup& source);
  std::vector<uint32_t> wanted_places(const Stored& stored, const AddressPlaces::Mark& mark, bool& tried, bool rebuild);
  void forget(uint32_t slot);
  void clear_new(uint32_t place);
  void into_tried(uint32_t slot, Now now);
  void promote(uint32_t slot, uint32_t place);
  void back_to_new(uint32_t slot);
  std::optional<uint32_t> take_waiting(uint32_t place);

  uint32_t ticks(Instant now) const;
  Instant tried_at(const PoolEntry& entry) const;
  Duration pause(const PoolEntry& entry) const;
  Instant due(const PoolEntry& entry, Duration pause_limit) const;
  std::optional<KnownAddress> choose_trusted(Instant now, Duration pause_limit, const Usable& usable, Rng& rng) const;
  std::optional<KnownAddress> draw(Table table, Instant now, Duration pause_limit, const Usable& usable, Rng& rng) const;
  std::optional<KnownAddress> scan(Table table, Instant now, Duration pause_limit, const Usable& usable, Rng& rng) const;
  uint32_t random_slot(bool tried, Rng& rng) const;
  uint64_t chance(const PoolEntry& entry) const;

  AddressPlaces places_;
  AddressPool pool_;
  Instant began_, stored_after_{};
  uint64_t jitter_ = 0;
  int64_t wall_ = 0;               // the latest that was told, for what is chosen by age
  std::vector<uint32_t> trusted_;  // slots
  std::vector<Waiting> waiting_;
  std::set<Endpoint> own_;
  std::optional<AddressPlaces::SourceMark> last_source_;  // a message tells of many
};

}  // namespace lattice
