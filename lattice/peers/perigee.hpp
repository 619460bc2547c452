// Which of the peers that we chose brings news late, and goes for somebody new: learned selection, a bandit over measured arrival
// times (Mao, Deb, Venkatakrishnan, Kannan, Srinivasan: "Perigee", PODC 2020; there with the rules named here).
//
// Of each block that turned out valid, and of each peer watched, it is noted how much later than the first announcement by anybody
// the peer's own came; who did not announce it within a window, or announced it and then did not give it, counts with the whole
// window. A peer is judged by the 90th percentile of its newest lags, with bounds that hold for any distribution (order statistics:
// David and Nagaraja 2003, 7.1). After each round one peer at most goes: where even the lower bound of its percentile is above the
// upper bound of somebody else's. Its place is for a stranger at random: so the good ones are found.
//
// Being fast can be bought. So only some of the peers are learned; the others are drawn at random, are what the learned ones are
// compared with, and never go for what is measured here. Not watched at all are those whom the operator named, block-only peers,
// anchors and feelers.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include <lattice/base/ids.hpp>
#include <lattice/base/time.hpp>

namespace lattice {

// ucb      who is worse than another with confidence
// vanilla  who has the highest percentile, each round
// subset   without whom the others together would be fastest, each round
enum class PerigeeRule : uint8_t { ucb, vanilla, subset };

struct PerigeeLimits {
  PerigeeRule rule = PerigeeRule::ucb;
  size_t slots = 8;    // nobody goes while fewer are watched
  size_t learned = 4;  // of them; 0: nothing is learned, nobody goes
  Duration window = std::chrono::seconds{30};
  double quantile = 0.9;
  double confidence = 1.64;  // standard deviations: each bound fails once in twenty
  size_t samples_min = 40;   // who has fewer is not judged, and while a learned one has nobody goes
  size_t round_blocks = 50;
  Duration round_min = std::chrono::minutes{10};  // no two go in less, however fast blocks come
};

// What arrives: a block's hash, or that of a message.
using ArrivalId = ByteArray<32>;

class Perigee {
 public:
  static constexpr size_t watched_max = 32;
  static constexpr size_t samples_max = 200;   // of one peer, the newest
  static constexpr size_t announced_max = 64;  // of one peer, the newest: who announces nonsense pushes out its own
  static constexpr size_t others_max = 256;    // of all that are not watched
  static constexpr size_t counted_max = 64;    // valid, window not over
  static constexpr size_t closed_max = 64;     // remembered, so that nothing counts twice

  struct Score {
    bool learned = false;
    size_t samples = 0;
    Duration low{}, lag{}, high{};  // the percentile between its bounds; the window where there are no samples
  };

  explicit Perigee(const PerigeeLimits& limits) : limits_(limits) {}

  // One more is watched: learned, where a learned place is free. Not above watched_max. Each ConnId once.
  void add(ConnId conn, Instant now);
  void remove(ConnId conn);  // also of one that is not watched

  // Somebody, watched or not, announced it, or gave it: the first time counts.
  void on_announced(ConnId conn, const ArrivalId& id, Instant when);
  // The peer did not give what it had announced: all that it announced and that has not been judged is as if never said.
  void on_withheld(ConnId conn);
  // Counts from now on, if it was announced, and no longer than a window ago.
  void on_valid(const ArrivalId& id, Instant now);

  // Who is to go: named when a round ends, and until remove() or the end of the next. At most one a round.
  std::optional<ConnId> exchange(Instant now);

  std::optional<Score> score(ConnId conn) const;
  bool is_learned(ConnId conn) const;
  size_t watched() const { return watched_.size(); }
  size_t learned() const;

 private:
  struct Announced {
    ArrivalId id{};
    Instant when;
    bool withheld = false;
  };
  struct Sample {
    uint64_t serial = 0;  // of what arrived
    Duration lag;
  };
  struct Watched {
    Instant since;
    bool learned = false;
    std::deque<Announced> announced;
    std::deque<Sample> samples;
  };
  struct Counted {
    ArrivalId id{};
    Instant first;
  };

  std::optional<Instant> first_of(const ArrivalId& id) const;
  bool is_over(const ArrivalId& id) const;
  void close_windows(Instant now);
  void close(const Counted& counted);
  void forget(const ArrivalId& id);
  Score score_of(const Watched& peer) const;
  std::optional<ConnId> slowest() const;
  std::optional<ConnId> least_missed() const;
  Duration lag_without(ConnId conn) const;

  PerigeeLimits limits_;
  std::map<ConnId, Watched> watched_;
  std::deque<Announced> others_;
  std::deque<Counted> counted_;
  std::deque<ArrivalId> closed_;
  uint64_t serial_ = 0;
  size_t round_ = 0;  // closed in this round
  std::optional<Instant> last_round_;
  std::optional<ConnId> named_;
};

}  // namespace lattice
