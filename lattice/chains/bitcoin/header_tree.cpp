#include <lattice/chains/bitcoin/header_tree.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/wire/limits.hpp>

namespace lattice::bitcoin {

HeaderTree::HeaderTree(const ChainOptions& options)
    : options_(&options),
      least_work_(U256::from_big_endian(options.least_work)),
      index_(options.table_key),
      side_limit_(options.side_headers_max) {
  HeaderEntry start;
  if (options.start) {
    start.hash = options.start->hash;
    start.height = options.start->height;
    start.bits = options.start->bits;
    start.time = options.start->time.value_or(0);
    start.time_known = options.start->time.has_value();
  } else {
    const Header& genesis = options.rules->genesis;
    start.hash = hash_of(genesis);
    start.merkle_root = genesis.merkle_root;
    start.version = genesis.version;
    start.time = genesis.time;
    start.bits = genesis.bits;
    start.nonce = genesis.nonce;
  }
  start.work = work_of(start.bits);
  // Believed as it is: nobody is asked for it, and load has it from the options.
  start.stored = start.has_body = start.complete = true;
  best_.push_back(index_.add(start));
  stored_ = 1;
}

U256 HeaderTree::cached_work(uint32_t bits) {
  if (bits != cached_bits_) {
    cached_work_ = work_of(bits);
    cached_bits_ = bits;
  }
  return cached_work_;
}

bool HeaderTree::on_best(HeaderNumber number) const {
  const size_t above = index_[number].height - index_[0].height;
  return above < best_.size() && best_[above] == number;
}

// Walks only as far as the branch is off the best chain.
HeaderNumber HeaderTree::ancestor(HeaderNumber number, uint32_t height) const {
  while (index_[number].height > height && !on_best(number)) number = index_[number].parent;
  return index_[number].height > height ? at(height) : number;
}

std::optional<uint32_t> HeaderTree::period_time(HeaderNumber number) const {
  const uint32_t height = index_[number].height;
  const uint32_t first_height = height - height % options_->rules->retarget_blocks;
  const HeaderEntry& start = index_[0];
  const bool known = first_height > start.height || (first_height == start.height && start.time_known);
  return known ? std::optional{index_[ancestor(number, first_height)].time} : std::nullopt;
}

Result<void> HeaderTree::check_bits(const Header& header, HeaderNumber parent) const {
  const Rules& rules = *options_->rules;
  const HeaderEntry& last = index_[parent];
  const uint32_t height = last.height + 1;
  if (!rules.retargets || height % rules.retarget_blocks != 0) {
    return header.bits == last.bits ? Result<void>{} : fail(ErrorCode::bad_difficulty, "bits are not the parent's");
  }
  const auto first_time = period_time(parent);
  if (!first_time) {
    if (retarget_possible(rules, last.bits, header.bits)) return {};
    return fail(ErrorCode::bad_difficulty, "retarget by more than a factor of four");
  }
  const uint32_t required = retargeted_bits(rules, last.bits, *first_time, last.time);
  return header.bits == required ? Result<void>{} : fail(ErrorCode::bad_difficulty, "bits after a retarget");
}

Result<void> HeaderTree::check_checkpoints(uint32_t height, const BlockHash& hash) const {
  for (const Checkpoint& checkpoint : options_->checkpoints) {
    if (checkpoint.height == height && checkpoint.hash != hash) {
      return fail(ErrorCode::checkpoint_mismatch, "another header at a checkpoint's height");
    }
  }
  if (height < checkpoint_height_) return fail(ErrorCode::below_checkpoint, "a fork below the newest checkpoint reached");
  return {};
}

Result<void> HeaderTree::check(const Header& header, HeaderNumber parent, WallTime now) const {
  const uint32_t height = index_[parent].height + 1;
  if (height > height_max) return fail(ErrorCode::bad_header, "height");
  TRY_VOID(check_bits(header, parent));
  const auto median = index_.median_time(parent);
  if (median && header.time <= *median) return fail(ErrorCode::bad_time, "not after the median of the last eleven");
  if (header.version < version_min(*options_->rules, height)) return fail(ErrorCode::bad_header, "version");
  // Last, since it alone may be different tomorrow.
  if (int64_t{header.time} > unix_seconds(now) + future_seconds_max)
    return fail(ErrorCode::bad_time, "more than two hours ahead");
  return {};
}

HeaderNumber HeaderTree::add(const Header& header, const BlockHash& hash, HeaderNumber parent, bool body_invalid) {
  HeaderEntry entry;
  entry.hash = hash;
  entry.parent = parent;
  entry.height = index_[parent].height + 1;
  entry.work = index_[parent].work + cached_work(header.bits);
  entry.merkle_root = header.merkle_root;
  entry.version = header.version;
  entry.time = header.time;
  entry.bits = header.bits;
  entry.nonce = header.nonce;
  entry.body_invalid = body_invalid;
  entry.invalid = body_invalid || index_[parent].invalid;
  const HeaderNumber number = index_.add(entry);
  if (!entry.invalid && entry.work > index_[strongest_].work) strongest_ = number;
  for (const Checkpoint& checkpoint : options_->checkpoints) {
    if (checkpoint.height == entry.height && checkpoint.hash == hash) {
      checkpoint_height_ = std::max(checkpoint_height_, checkpoint.height);
    }
  }
  return number;
}

Result<HeaderTree::Accepted> HeaderTree::accept(ByteView wire, WallTime now) {
  TRY(header, parse_header(wire));
  const BlockHash hash = hash_header(wire);
  if (const HeaderNumber known = index_.find(hash); known != no_header) {
    if (index_[known].invalid) return fail(ErrorCode::bad_block, "header of an invalid block");
    return Accepted{known, false};
  }
  // Before anything is looked up: whoever wants to waste our time shall have worked for it.
  TRY_VOID(check_proof_of_work(*options_->rules, hash, header.bits));
  const HeaderNumber parent = index_.find(header.previous);
  if (parent == no_header) return fail(ErrorCode::unconnected_header, "parent is not known");
  if (index_[parent].invalid) return fail(ErrorCode::bad_block, "child of an invalid block");
  TRY_VOID(check_checkpoints(index_[parent].height + 1, hash));
  TRY_VOID(check(header, parent, now));
  return Accepted{add(header, hash, parent, false), true};
}

Result<HeaderNumber> HeaderTree::restore(const Header& header, const BlockHash& hash, uint32_t height, bool body_invalid) {
  const HeaderNumber parent = index_.find(header.previous);
  if (parent == no_header) return fail(ErrorCode::store_failed, "a stored header without its parent");
  if (height != index_[parent].height + 1) return fail(ErrorCode::store_failed, "a stored header at another height");
  if (index_.find(hash) != no_header) return fail(ErrorCode::store_failed, "a header stored twice");
  const HeaderNumber number = add(header, hash, parent, body_invalid);
  mark_stored(number);
  return number;
}

bool HeaderTree::move_best() {
  const HeaderNumber target = index_[strongest_].work >= least_work_ ? strongest_ : start();
  if (target == best()) return false;
  std::vector<HeaderNumber> branch;
  HeaderNumber fork = target;
  for (; !on_best(fork); fork = index_[fork].parent) branch.push_back(fork);
  best_.resize(index_[fork].height - index_[0].height + 1);
  best_.insert(best_.end(), branch.rbegin(), branch.rend());
  return true;
}

void HeaderTree::invalidate(HeaderNumber number) {
  ASSERT(number != start());
  index_[number].body_invalid = index_[number].invalid = true;
  for (HeaderNumber child = number + 1; child < index_.size(); ++child) {
    if (index_[index_[child].parent].invalid) index_[child].invalid = true;
  }
  strongest_ = start();
  for (HeaderNumber other = 1; other < index_.size(); ++other) {
    if (!index_[other].invalid && index_[other].work > index_[strongest_].work) strongest_ = other;
  }
}

void HeaderTree::prefer(HeaderNumber number) {
  if (!index_[number].invalid && index_[number].work == index_[strongest_].work) strongest_ = number;
}

std::vector<BlockHash> HeaderTree::locator() const {
  std::vector<BlockHash> hashes;
  size_t above = best_.size() - 1;
  for (size_t step = 1; above > 0; above -= std::min(above, step)) {
    hashes.push_back(index_[best_[above]].hash);
    if (hashes.size() >= 10) step *= 2;
  }
  hashes.push_back(index_[0].hash);
  ASSERT(hashes.size() <= limits::locator_hashes_max);
  return hashes;
}

std::vector<Bytes> HeaderTree::find_headers(const FindHeaders& find) const {
  size_t above = 1;
  for (const BlockHash& hash : find.locator) {
    const HeaderNumber number = index_.find(hash);
    if (number == no_header || !on_best(number)) continue;
    above = index_[number].height - index_[0].height + 1;
    break;
  }
  const size_t count_max = std::min(find.count_max, find.bytes_max / header_bytes);
  std::vector<Bytes> headers;
  for (; above < best_.size() && headers.size() < count_max; ++above) {
    headers.push_back(to_bytes(header_wire(index_.header(best_[above]))));
    if (index_[best_[above]].hash == find.stop) break;
  }
  return headers;
}

Tip HeaderTree::tip_of(HeaderNumber number) const {
  const HeaderEntry& entry = index_[number];
  return Tip{BlockRef{entry.hash, entry.height}, to_bytes(entry.work.big_endian())};
}

void HeaderTree::mark_stored(HeaderNumber number) {
  if (index_[number].stored) return;
  index_[number].stored = true;
  ++stored_;
}

std::vector<HeaderNumber> HeaderTree::forget_side_headers() {
  HeaderNumber strongest_side = no_header;
  std::vector<bool> kept(index_.size(), false);
  for (HeaderNumber number = 0; number < index_.size(); ++number) {
    kept[number] = index_[number].stored;
    if (kept[number] || index_[number].invalid) continue;
    if (strongest_side == no_header || index_[number].work > index_[strongest_side].work) strongest_side = number;
  }
  for (HeaderNumber n = strongest_side; n != no_header && !kept[n]; n = index_[n].parent) kept[n] = true;
  auto renumbered = index_.keep_only(kept);
  for (HeaderNumber& number : best_) number = renumbered[number];
  strongest_ = renumbered[strongest_];
  ASSERT(strongest_ != no_header);
  // A kept branch may be longer than the limit: the next time comes when as many have been added again.
  side_limit_ = std::max(options_->side_headers_max, 2 * (index_.size() - stored_));
  return renumbered;
}

}  // namespace lattice::bitcoin
