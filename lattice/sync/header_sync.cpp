#include <lattice/sync/header_sync.hpp>

#include <algorithm>
#include <utility>

#include <lattice/wire/limits.hpp>

namespace lattice {

void HeaderSync::add(ConnId peer, bool counts) {
  const auto [row, fresh] = rows_.try_emplace(peer);
  if (fresh) row->second.counts = counts;
}
void HeaderSync::remove(ConnId peer) { rows_.erase(peer); }

void HeaderSync::on_announced(ConnId peer) {
  const auto found = rows_.find(peer);
  if (found == rows_.end()) return;
  Row& row = found->second;
  if (row.stage == Stage::through)
    row.stage = Stage::waiting;
  else
    row.announced = true;
}

Result<void> HeaderSync::on_headers(ConnId peer, size_t count, size_t bytes, Instant now) {
  const auto found = rows_.find(peer);
  if (found == rows_.end() || found->second.stage != Stage::asked) return fail(ErrorCode::unrequested, "headers");
  Row& row = found->second;
  row.stage = Stage::judging;
  row.asked = now;
  // Full where one more header might not have fitted.
  row.full = count >= limits::headers_max || bytes + limits::header_bytes_max > limits::headers_bytes_max;
  return {};
}

void HeaderSync::on_verdict(ConnId peer, bool valid, const BlockRef& last, Instant now, bool again) {
  const auto found = rows_.find(peer);
  if (found == rows_.end() || found->second.stage != Stage::judging) return;
  Row& row = found->second;
  if (valid && again) {
    row.stage = Stage::waiting;
    row.last.reset();
    return;
  }
  // A question must lead further than the one before it, or the peer could be asked for ever.
  const bool further = valid && row.full && !last.hash.is_zero() && (!row.last || last.height > row.last->height);
  if (further) {
    row.stage = Stage::waiting;
    row.last = last;
    if (row.turn && now - *row.turn >= bulk_turn) row.turn.reset();
    return;
  }
  row.last.reset();
  row.turn.reset();
  row.was_through = true;
  row.checked = now;
  row.stage = row.announced && valid ? Stage::waiting : Stage::through;
  row.announced = false;
}

// True while as many peers give the bulk, or have just been asked whether they will, as may at a time: one, and twice as many
// for each that is silent. So the silent ones cost a newcomer a few seconds in all, however many they are.
bool HeaderSync::bulk_runs(Instant now) const {
  size_t running = 0, silent = 0;
  for (const auto& [peer, row] : rows_) {
    if (!row.turn) continue;
    if (row.stage == Stage::waiting || now - row.asked < silence)
      ++running;
    else if (row.stage == Stage::asked)
      ++silent;
  }
  return running >= size_t{1} << std::min(silent, silent_counted_max);
}

std::vector<BlockHash> HeaderSync::locator_of(const Row& row) const {
  std::vector<BlockHash> locator;
  if (row.last) locator.push_back(row.last->hash);
  for (const auto& hash : best_) {
    if (locator.size() == limits::locator_hashes_max - 1 && hash != best_.back()) continue;  // the last one is the root
    if (!row.last || hash != row.last->hash) locator.push_back(hash);
  }
  return locator;
}

void HeaderSync::ask(ConnId peer, Row& row, Instant now, std::vector<HeaderAsk>& out) {
  row.stage = Stage::asked;
  row.asked = now;
  out.push_back({peer, locator_of(row)});
}

std::vector<HeaderAsk> HeaderSync::poll(Instant now) {
  std::vector<HeaderAsk> out;
  if (best_.empty()) return out;
  for (auto& [peer, row] : rows_) {
    if (row.stage == Stage::through && now - row.checked >= recheck) row.stage = Stage::waiting;
    if (row.stage == Stage::waiting && row.turn) ask(peer, row, now, out);  // the bulk goes on
  }
  std::vector<FlatMap<ConnId, Row>::iterator> waiting;
  for (auto row = rows_.begin(); row != rows_.end(); ++row) {
    if (row->second.stage == Stage::waiting) waiting.push_back(row);
  }
  std::ranges::sort(waiting, {},
                    [](const auto& row) { return std::pair(row->second.asked, row->first); });  // who waits longest
  for (const auto entry : waiting) {
    Row& row = entry->second;
    // Once one peer was through the rest is small: all are asked at once.
    const bool small = through() > 0 && !row.last;
    if (!small && bulk_runs(now)) continue;
    if (!small) row.turn = now;
    ask(entry->first, row, now, out);
  }
  return out;
}

std::vector<ConnId> HeaderSync::late(Instant now) const {
  std::vector<ConnId> out;
  for (const auto& [peer, row] : rows_) {
    if (row.stage == Stage::asked && now - row.asked >= request_timeout_) out.push_back(peer);
  }
  return out;
}

std::optional<Instant> HeaderSync::next_timeout() const {
  std::optional<Instant> next;
  std::optional<Instant> bulk_silent;  // until then somebody who gives the bulk keeps the others waiting
  const auto consider = [&](Instant due) { next = next ? std::min(*next, due) : due; };
  for (const auto& [peer, row] : rows_) {
    if (row.stage == Stage::asked) consider(row.asked + request_timeout_);
    if (row.stage == Stage::through) consider(row.checked + recheck);
    if (row.turn && row.stage != Stage::waiting) bulk_silent = std::max(bulk_silent.value_or(row.asked), row.asked + silence);
  }
  const bool waiting = std::ranges::any_of(rows_, [](const auto& entry) { return entry.second.stage == Stage::waiting; });
  if (waiting && bulk_silent) consider(*bulk_silent);
  return next;
}

bool HeaderSync::settled() const {
  return std::ranges::all_of(rows_, [](const auto& entry) { return entry.second.was_through || !entry.second.counts; });
}

size_t HeaderSync::through() const {
  return static_cast<size_t>(std::ranges::count_if(rows_, [](const auto& entry) { return entry.second.was_through; }));
}

}  // namespace lattice
