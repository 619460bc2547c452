#include <lattice/peers/tip_watch.hpp>

#include <algorithm>

namespace lattice {

std::string_view tip_doubt_name(TipDoubt doubt) {
  switch (doubt) {
    case TipDoubt::no_progress: return "no_progress";
    case TipDoubt::behind: return "behind";
    case TipDoubt::no_outbound: return "no_outbound";
    case TipDoubt::one_group: return "one_group";
  }
  return "unknown";
}

void TipWatch::on_progress(bool live, Instant now) {
  started_ = true;
  last_ = now;
  // Of a gap in which we were cut off the chain's pace is not learnt: whoever slows it down would teach us to wait.
  if (live && live_ && !alarmed()) gaps_[gap_count_++ % gaps_max] = now - *live_;
  live_ = live ? std::optional(now) : std::nullopt;
}

Duration TipWatch::limit() const {
  if (gap_count_ < limits_.gaps_known) return limits_.no_progress_max;
  const size_t count = std::min(gap_count_, gaps_max);
  Duration sum{};
  for (size_t i = 0; i < count; ++i) sum += std::min(gaps_[i], limits_.no_progress_max);
  return std::clamp(sum / static_cast<int64_t>(count) * limits_.gaps, limits_.no_progress_min, limits_.no_progress_max);
}

bool TipWatch::seen(TipDoubt doubt, const TipView& view, Instant now) const {
  switch (doubt) {
    case TipDoubt::no_progress: return now - last_ >= limit();
    // While headers come the height is on its way.
    case TipDoubt::behind:
      return view.agreed && *view.agreed > view.height && *view.agreed - view.height >= limits_.behind_min &&
             now - last_ >= limits_.patience;
    case TipDoubt::no_outbound: return view.outbound == 0 && view.wants_outbound;
    case TipDoubt::one_group: return view.outbound >= 2 && view.outbound_groups == 1;
  }
  return false;
}

std::vector<TipWatch::Change> TipWatch::check(const TipView& view, Instant now) {
  if (!started_) last_ = now;
  started_ = true;
  std::vector<Change> out;
  for (size_t i = 0; i < tip_doubt_count; ++i) {
    const auto doubt = static_cast<TipDoubt>(i);
    if (!seen(doubt, view, now)) {
      since_[i].reset();
    } else if (!since_[i]) {
      since_[i] = now;
    }
    const bool is = since_[i] && now - *since_[i] >= patience_of(doubt);
    if (is != holds_[i]) out.push_back({doubt, is});
    holds_[i] = is;
  }
  return out;
}

bool TipWatch::suspected() const {
  return holds(TipDoubt::behind) || holds(TipDoubt::no_outbound) || holds(TipDoubt::one_group);
}

bool TipWatch::alarmed() const {
  return std::ranges::any_of(holds_, [](bool one) { return one; });
}

}  // namespace lattice
