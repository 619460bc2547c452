#include <lattice/sync/block_download.hpp>

#include <algorithm>

#include <lattice/wire/limits.hpp>

namespace lattice {
namespace {

bool contains(const std::vector<ConnId>& list, ConnId id) { return std::ranges::find(list, id) != list.end(); }

}  // namespace

void BlockDownload::add(ConnId peer) { peers_.try_emplace(peer); }

void BlockDownload::remove(ConnId peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  const auto debts = std::move(found->second.debts);
  peers_.erase(found);
  for (const auto& debt : debts) forget_debt(peer, debt.block);
}

// The peer no longer owes the block: with nobody left who does, it is wanted again.
void BlockDownload::forget_debt(ConnId id, const BlockRef& block) {
  Row* row = row_of(block);
  if (row == nullptr) return;
  std::erase(row->asked, id);
  if (row->asked.empty()) want(block.height, *row);
}

void BlockDownload::want(uint64_t height, Row& row) {
  if (!row.judging) wanted_.insert(height);
}

BlockDownload::Row* BlockDownload::row_of(const BlockRef& block) {
  const auto found = rows_.find(block.height);
  return found != rows_.end() && found->second.hash == block.hash ? &found->second : nullptr;
}

void BlockDownload::raise_have(ConnId id, uint64_t height) {
  const auto found = peers_.find(id);
  if (found == peers_.end()) return;
  Peer& peer = found->second;
  peer.said = std::max(peer.said, height);
  if (height > peer.have) {
    peer.have = height;
    peer.retry.reset();
  }
}

void BlockDownload::raise_headers(ConnId id, uint64_t height) {
  const auto found = peers_.find(id);
  if (found != peers_.end()) found->second.headers = std::max(found->second.headers, height);
}

size_t BlockDownload::room() const { return rows_.size() > window_blocks / 2 ? 0 : window_blocks - rows_.size(); }

void BlockDownload::add_missing(const std::vector<BlockRef>& blocks) {
  for (const auto& block : blocks) {
    above_ = std::max(above_, block.height);
    const auto [entry, fresh] = rows_.try_emplace(block.height, Row{block.hash, {}, {}, false});
    if (fresh) wanted_.insert(block.height);
  }
}

void BlockDownload::rewind(uint64_t height) {
  rows_.erase(rows_.upper_bound(height), rows_.end());
  wanted_.erase(wanted_.upper_bound(height), wanted_.end());
  above_ = std::min(above_, height);
}

uint64_t BlockDownload::best_have() const {
  uint64_t best = 0;
  for (const auto& [id, peer] : peers_) best = std::max(best, peer.have);
  return best;
}

// How high the peer is asked: what it says it has; and, where nobody says that, as far as it gave headers.
uint64_t BlockDownload::reach(const Peer& peer, uint64_t best) const {
  return peer.headers > best && !peer.retry ? std::max(peer.have, peer.headers) : peer.have;
}

// How many more blocks may be asked of the peer. Asked in portions, not one by one.
size_t BlockDownload::spare(const Peer& peer, size_t all) const {
  const size_t in_window = std::max<size_t>(owed_first, window_bytes / std::max<size_t>(mean_bytes_, 1));
  const size_t limit = std::min(peer.owed_limit, in_window);
  if (all >= in_window || peer.debts.size() >= limit) return 0;
  const size_t free = std::min(limit - peer.debts.size(), in_window - all);
  return peer.debts.empty() || free * 4 >= limit ? free : 0;
}

std::vector<BlockAsk> BlockDownload::poll(Instant now) {
  std::vector<BlockAsk> out;
  if (wanted_.empty() || full()) return out;
  const bool all_slow = std::ranges::all_of(peers_, [](const auto& entry) { return entry.second.slow; });
  for (auto& [id, peer] : peers_) {
    if (!peer.retry || now < *peer.retry) continue;
    peer.retry.reset();
    peer.have = peer.said;
  }
  ask_those(out, false, true, now);
  ask_those(out, false, false, now);
  if (all_slow) ask_those(out, true, false, now);
  return out;
}

void BlockDownload::ask_those(std::vector<BlockAsk>& out, bool slow, bool proven, Instant now) {
  const uint64_t best = best_have();
  size_t all = owed();
  for (auto& [id, peer] : peers_) {
    if (peer.slow != slow || peer.proven != proven) continue;
    const size_t count = std::min(spare(peer, all), limits::block_request_hashes_max);
    const auto blocks = share_out(id, peer, count, best, now);
    if (blocks.empty()) continue;
    all += blocks.size();
    BlockAsk ask{id, {}};
    for (const auto& block : blocks) ask.hashes.push_back(block.hash);
    out.push_back(std::move(ask));
  }
}

// The lowest wanted blocks that the peer has, as many as it may owe more.
std::vector<BlockRef> BlockDownload::share_out(ConnId id, Peer& peer, size_t count, uint64_t best, Instant now) {
  std::vector<BlockRef> out;
  const uint64_t reach_height = reach(peer, best);
  const uint64_t end = rows_.empty() ? 0 : rows_.begin()->first + window_blocks;
  for (auto height = wanted_.begin(); height != wanted_.end() && out.size() < count;) {
    if (*height > reach_height || *height >= end) break;
    Row& row = rows_.at(*height);
    if (contains(row.asked, id) || contains(row.refused, id)) {
      ++height;
      continue;
    }
    if (peer.debts.empty()) peer.progress = now;
    row.asked.push_back(id);
    out.push_back({row.hash, *height});
    peer.debts.push_back({out.back(), now});
    height = wanted_.erase(height);
  }
  return out;
}

Result<std::optional<BlockRef>> BlockDownload::on_block(ConnId id, size_t bytes, Instant now) {
  const auto found = peers_.find(id);
  if (found == peers_.end() || found->second.debts.empty()) return fail(ErrorCode::unrequested, "block");
  Peer& peer = found->second;
  const Debt debt = peer.debts.front();
  peer.debts.pop_front();
  peer.progress = now;
  peer.slow = false;
  // Pays at once: may owe more. Keeps us waiting: less.
  const Duration waited = now - debt.asked;
  if (waited < std::chrono::seconds{1}) peer.owed_limit = std::min(peer.owed_limit + 1, owed_max);
  if (waited > std::chrono::seconds{4}) peer.owed_limit = std::max<size_t>(peer.owed_limit - 1, 2);
  mean_bytes_ = (mean_bytes_ * 15 + bytes) / 16;

  Row* row = row_of(debt.block);
  if (row == nullptr) return std::optional<BlockRef>{};
  std::erase(row->asked, id);
  if (row->judging) return std::optional<BlockRef>{};
  row->judging = true;
  wanted_.erase(debt.block.height);
  ++judging_;
  judging_bytes_ += bytes;
  return std::optional{debt.block};
}

void BlockDownload::on_verdict(ConnId id, const BlockRef& block, size_t bytes, bool valid, Instant now) {
  const bool was_full = full();
  --judging_;
  judging_bytes_ -= bytes;
  // Nobody was read while the chain was busy: that was no peer's silence.
  if (was_full && !full()) {
    for (auto& [other, peer] : peers_) peer.progress = now;
  }
  Row* row = row_of(block);
  if (row == nullptr || !row->judging) return;
  if (valid) {
    if (const auto giver = peers_.find(id); giver != peers_.end()) giver->second.proven = true;
    rows_.erase(block.height);
    // At the tip blocks are few: what made us wait during the sync says nothing there.
    const Duration less = rows_.empty() ? patience_ / 2 : patience_ / 64;
    patience_ = std::max<Duration>(patience_first, patience_ - less);
    return;
  }
  row->judging = false;
  if (!contains(row->refused, id)) row->refused.push_back(id);
  if (row->asked.empty()) want(block.height, *row);
}

size_t BlockDownload::on_not_found(ConnId id, const std::vector<BlockHash>& hashes, Instant now) {
  const auto found = peers_.find(id);
  if (found == peers_.end()) return 0;
  Peer& peer = found->second;
  size_t count = 0;
  for (const auto& hash : hashes) {
    const auto debt = std::ranges::find(peer.debts, hash, [](const Debt& d) { return d.block.hash; });
    if (debt == peer.debts.end()) continue;
    const BlockRef block = debt->block;
    peer.debts.erase(debt);
    ++count;
    forget_debt(id, block);
    // Not asked there or above for a while: who lacks one block most likely lacks the later ones.
    peer.have = std::min(peer.have, std::max<uint64_t>(block.height, 1) - 1);
    peer.retry = now + retry_pause;
  }
  if (count > 0) peer.progress = now;
  return count;
}

// Whether a peer that keeps up could be asked for the row's block.
bool BlockDownload::someone_else(const Row& row, uint64_t height, uint64_t best) const {
  return std::ranges::any_of(peers_, [&](const auto& entry) {
    const auto& [id, peer] = entry;
    return !peer.slow && reach(peer, best) >= height && !contains(row.asked, id) && !contains(row.refused, id);
  });
}

BlockDownload::Stalls BlockDownload::on_timeout(Instant now) {
  Stalls out;
  if (full()) return out;
  for (const auto& [id, peer] : peers_) {
    if (!peer.debts.empty() && now - peer.progress >= silence_limit()) out.useless.push_back(id);
  }
  const uint64_t end = rows_.empty() ? 0 : rows_.begin()->first + window_blocks;
  const uint64_t best = best_have();
  const bool idle = std::ranges::none_of(wanted_, [&](uint64_t height) { return height < end && height <= best; });
  if (!idle) return out;
  std::set<ConnId> slow;
  for (auto& [height, row] : rows_) {
    if (row.judging || row.asked.empty() || row.asked.size() >= askers_max || height >= end) continue;
    const bool silent = std::ranges::all_of(row.asked, [&](ConnId id) { return now - peers_.at(id).progress >= patience_; });
    if (!silent || !someone_else(row, height, best)) continue;
    for (const ConnId id : row.asked) {
      if (!peers_.at(id).slow) slow.insert(id);
    }
    wanted_.insert(height);
  }
  bool lines_are_slow = false;
  for (const ConnId id : slow) {
    Peer& peer = peers_.at(id);
    lines_are_slow |= peer.proven;
    peer.slow = true;
    peer.proven = false;
    peer.owed_limit = owed_first / 4;
    out.slow.push_back(id);
  }
  // Where one is slow that was not, or where nobody gives anything and most are slow, the lines are: wait longer before the next is
  // blamed. Those who never gave anything beside somebody who does must not make us patient with them.
  const bool somebody_gives = std::ranges::any_of(peers_, [](const auto& entry) { return entry.second.proven; });
  const auto all_slow = static_cast<size_t>(std::ranges::count_if(peers_, [](const auto& entry) { return entry.second.slow; }));
  const bool nobody_gives = !somebody_gives && 2 * all_slow > peers_.size();
  if (!slow.empty() && (lines_are_slow || nobody_gives)) patience_ = std::min(patience_ * 2, patience_max);
  return out;
}

std::optional<Instant> BlockDownload::next_timeout() const {
  std::optional<Instant> next;
  const auto consider = [&](Instant due) { next = next ? std::min(*next, due) : due; };
  if (full()) return next;
  for (const auto& [id, peer] : peers_) {
    if (peer.retry) consider(*peer.retry);
    if (peer.debts.empty()) continue;
    consider(peer.progress + silence_limit());
    if (!peer.slow) consider(peer.progress + patience_);
  }
  return next;
}

size_t BlockDownload::owed() const {
  size_t sum = 0;
  for (const auto& [id, peer] : peers_) sum += peer.debts.size();
  return sum;
}

size_t BlockDownload::owed(ConnId id) const {
  const auto found = peers_.find(id);
  return found == peers_.end() ? 0 : found->second.debts.size();
}

}  // namespace lattice
