// Walking a network: whom to visit next, what each visit told, and which nodes are good enough for others to begin with. A value:
// addresses and outcomes of visits in, visits and lists of seeds out. node/crawling.cpp makes the visits.
//
// Polite: one visit to an address at a time and per interval, few at once, few a minute in one address group, and who is not there
// is asked ever more seldom.
//
// Not to be poisoned: what a node tells only makes it known, and only who answered a whole handshake stands in a list, under the
// NodeID that it proved. Of addresses at which nobody answered yet each teller (its address group) has a share, each address group
// another; where there is no room, the teller who told most gives one up, and who has answered is never pushed out. A list holds
// few of one group.
//
//   Place:  new -> visited -> answered  (failures > 0: not there now)
//              \-> forgotten after failures_new      \-> forgotten after failures_known in a row
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/random.hpp>
#include <lattice/base/time.hpp>
#include <lattice/discovery/seed_list.hpp>

namespace lattice {

struct CrawlLimits {
  size_t places_max = 50'000;
  size_t group_places_max = 512;   // in one address group
  size_t teller_places_max = 512;  // of one teller's group, at which nobody answered yet
  size_t told_max = 250;           // of one answer, drawn from it
  size_t visits_max = 16;          // at once
  size_t group_visits_max = 6;     // begun in a minute in one address group
  Duration visit_interval = std::chrono::minutes{30};
  Duration pause_max = std::chrono::hours{24};  // between visits to who is not there
  unsigned failures_new = 3;                    // in a row, until an address is forgotten at which nobody ever answered
  unsigned failures_known = 12;
  size_t zone_group_max = 2;      // of one address group in a list
  uint64_t height_lag_max = 144;  // below the median of those who serve blocks
};

// Nodes on loopback are somebody's own: the limits of address groups are not for them.
struct CrawlOutcome {
  bool answered = false;  // the handshake was whole and the channel of the right chain opened
  NodeId node;
  uint64_t services = 0, height = 0;
  std::string agent;
  std::vector<Endpoint> told;  // as they came
};

struct CrawlReport {
  size_t known = 0;
  size_t unvisited = 0;  // known and never visited
  size_t answered = 0;   // at their last visit
  size_t good = 0;       // enough for a list
  size_t visiting = 0;
  uint64_t visits = 0, failed = 0;
  uint64_t refused = 0;    // addresses for which there was no room
  uint64_t forgotten = 0;  // that were not there, or gave way
};

// How often somebody was there, the newest looks counting most: over a window w a look counts 1/e of its weight after a time w.
class Reliability {
 public:
  static constexpr std::array<Duration, 4> windows{std::chrono::hours{2}, std::chrono::hours{8}, std::chrono::hours{24},
                                                   std::chrono::hours{24 * 7}};
  void add(bool there, Instant now);
  // 0 to 1, of what was seen in the window; 0 where nothing was.
  double share(size_t window) const;
  // How much of the window was looked at, 0 to 1.
  double seen(size_t window) const { return seen_[window]; }
  uint64_t looks() const { return looks_; }
  // Often enough in one of the windows, of which enough was seen. Of somebody new: at most one look in three in vain.
  bool is_good() const;

 private:
  std::array<double, 4> there_{}, seen_{};
  uint64_t looks_ = 0, times_there_ = 0;
  Instant last_{};
};

class Crawl {
 public:
  explicit Crawl(CrawlLimits limits = {}) : limits_(limits) {}

  // Somebody is said to be there. No teller: a source that this node trusts (DNS, the operator), which needs no share. False: known,
  // no address for a node, or no room.
  bool add(const Endpoint& endpoint, const std::optional<IpAddress>& teller, Instant now);

  // Whom to visit now; the visit has begun. Empty: nobody is due, or enough visits are under way.
  std::optional<Endpoint> next_visit(Instant now, Rng& rng);
  void on_visit(const Endpoint& endpoint, const CrawlOutcome& outcome, Instant now, Rng& rng);
  // The visit came to nothing for a reason of ours: soon again.
  void on_postponed(const Endpoint& endpoint, Instant now);

  // At most `count` nodes that are good now, drawn anew at each call: none twice, few of one address group, each group once before
  // any comes twice.
  std::vector<SeedEntry> choose(size_t count, Instant now, Rng& rng) const;
  CrawlReport report(Instant now) const;

 private:
  struct Place {
    AddressGroup group;
    std::optional<AddressGroup> teller;  // of a place where nobody answered yet and that is nobody's trusted word
    Instant due{};
    bool visiting = false;
    bool visited = false, answered = false;
    unsigned failures = 0;
    Instant answered_at{};
    NodeId node;
    uint64_t services = 0, height = 0;
    std::string agent;
    Reliability reliability;
  };
  struct Group {
    size_t places = 0;
    Instant minute{};
    size_t visits = 0;  // in that minute
  };
  using Places = std::map<Endpoint, Place>;
  using Due = std::set<std::pair<Instant, Endpoint>>;

  bool has_room(const Endpoint& endpoint, const std::optional<AddressGroup>& teller);
  std::optional<Endpoint> visit_from(Due& due, Instant now);
  bool group_allows(const Endpoint& endpoint, Group& group, Instant now) const;
  void schedule(const Endpoint& endpoint, Place& place, Instant due);
  void unschedule(const Endpoint& endpoint, const Place& place);
  Due& queue_of(const Place& place) { return place.answered ? due_known_ : due_new_; }
  void keep_for_good(const Endpoint& endpoint, Place& place);
  void forget(Places::iterator place);
  bool is_good(const Place& place, uint64_t median, Instant now) const;
  uint64_t median_height() const;

  CrawlLimits limits_;
  Places places_;
  std::map<AddressGroup, Group> groups_;
  std::map<AddressGroup, std::set<Endpoint>> told_by_;  // places with a teller
  Due due_known_, due_new_;
  bool new_turn_ = false;
  size_t visiting_ = 0;
  uint64_t visits_ = 0, failed_ = 0, refused_ = 0, forgotten_ = 0;
};

}  // namespace lattice
