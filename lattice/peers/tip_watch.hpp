// Whether we are still shown the chain that others see.
//
// Who sits between a node and the network can do little against a block that reaches it, and so shows it none, or none of the
// others' (Heilman et al. 2015). That is seen from here as:
//
//   no_progress   no block for so many of the chain's own block times that it is improbable, and after ten minutes in any case
//   behind        those that we dialled agree on a height that we do not get to
//   no_outbound   there are addresses, and nobody that we dialled is left
//   one_group     all that we dialled, two or more, are in one address group
//
// The first is "stale", each of the others a suspicion of its own. While any of them holds more peers than usual are wanted.
// A chain of which no pace is known yet, or whose blocks come seldom, is stale after no_progress_max: that costs two more peers
// for a while, and says nothing worse.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include <lattice/base/time.hpp>

namespace lattice {

struct TipWatchLimits {
  Duration no_progress_max = std::chrono::minutes{10}, no_progress_min = std::chrono::seconds{15};
  // Where blocks come at random at a steady rate, none comes for twelve mean gaps once in 160,000 blocks.
  unsigned gaps = 12;
  size_t gaps_known = 8;                         // measured, before the pace counts
  Duration patience = std::chrono::seconds{60};  // of each suspicion, before it is one
  uint64_t behind_min = 2;                       // blocks
};

enum class TipDoubt : uint8_t { no_progress, behind, no_outbound, one_group };
constexpr size_t tip_doubt_count = 4;
std::string_view tip_doubt_name(TipDoubt doubt);  // snake_case, as logs write it

// What the node sees now.
struct TipView {
  uint64_t height = 0;             // of our best header
  std::optional<uint64_t> agreed;  // that independent groups have
  size_t outbound = 0, outbound_groups = 0;
  bool wants_outbound = false;  // there is somebody to dial
};

class TipWatch {
 public:
  explicit TipWatch(const TipWatchLimits& limits = {}) : limits_(limits) {}

  // Our chain has become better. `live`: by a block that is new to the network and not by catching up; its gap tells the pace.
  void on_progress(bool live, Instant now);

  struct Change {
    TipDoubt doubt = TipDoubt::no_progress;
    bool begins = false;  // else it ends
  };
  // Once a second or so. What has begun to hold, and what holds no longer.
  std::vector<Change> check(const TipView& view, Instant now);

  bool holds(TipDoubt doubt) const { return holds_[static_cast<size_t>(doubt)]; }
  bool alarmed() const;
  bool suspected() const;  // more than no_progress
  Duration limit() const;  // without progress
  Duration quiet(Instant now) const { return started_ ? now - last_ : Duration{}; }

 private:
  static constexpr size_t gaps_max = 32;
  bool seen(TipDoubt doubt, const TipView& view, Instant now) const;
  Duration patience_of(TipDoubt doubt) const { return doubt == TipDoubt::no_progress ? Duration{} : limits_.patience; }

  TipWatchLimits limits_;
  bool started_ = false;
  Instant last_{};               // progress, or the first look
  std::optional<Instant> live_;  // the last block that was new
  std::array<Duration, gaps_max> gaps_{};
  size_t gap_count_ = 0;  // ever
  std::array<bool, tip_doubt_count> holds_{};
  std::array<std::optional<Instant>, tip_doubt_count> since_;  // seen without a break
};

}  // namespace lattice
