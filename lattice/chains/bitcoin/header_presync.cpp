#include <lattice/chains/bitcoin/header_presync.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>

namespace lattice::bitcoin {

static BlockHash previous_of(const Bytes& wire) { return BlockHash::from(ByteView(wire).subspan(4, 32)); }

// Headers that are not even 80 bytes are left to the tree, which says so.
HeaderPresync::Place HeaderPresync::place_of(const std::vector<Bytes>& headers, const HeaderTree& tree) {
  Place place;
  for (const Bytes& wire : headers) {
    if (wire.size() != header_bytes) return {{}, headers.size()};
    const BlockHash hash = hash_header(wire);
    if (tree.index().find(hash) == no_header) {
      place.parent = previous_of(wire);
      return place;
    }
    ++place.known;
  }
  return place;
}

bool HeaderPresync::goes_on(uint64_t source, const BlockHash& parent) const {
  const auto found = rows_.find(source);
  return found != rows_.end() && newest(found->second).hash == parent;
}

// By work that was done, not by work that is claimed.
bool HeaderPresync::shows_enough(const std::vector<Bytes>& headers, size_t from, const U256& work) const {
  U256 sum = work;
  uint32_t bits = 0;
  U256 each;
  for (size_t i = from; i < headers.size(); ++i) {
    const auto header = parse_header(headers[i]);
    if (!header) return false;
    if (header->bits != bits) each = work_of(bits = header->bits);
    sum = sum + each;
  }
  if (sum < least_work_) return false;
  return std::all_of(headers.begin() + static_cast<ptrdiff_t>(from), headers.end(), [&](const Bytes& wire) {
    return check_proof_of_work(*options_->rules, hash_header(wire), parse_header(wire)->bits).has_value();
  });
}

bool HeaderPresync::takes(uint64_t source, const std::vector<Bytes>& headers, const HeaderTree& tree) const {
  if (least_work_.is_zero()) return false;
  const Place place = place_of(headers, tree);
  if (place.known == headers.size()) return false;
  if (goes_on(source, place.parent)) return true;
  const HeaderNumber parent = tree.index().find(place.parent);
  if (parent == no_header || tree.index()[parent].invalid || tree.index()[parent].work >= least_work_) return false;
  return !shows_enough(headers, place.known, tree.index()[parent].work);
}

HeaderPresync::Past HeaderPresync::past_of(HeaderNumber number, const HeaderTree& tree) {
  const HeaderEntry& entry = tree.index()[number];
  Past past;
  past.hash = entry.hash;
  past.height = entry.height;
  past.bits = entry.bits;
  past.time = entry.time;
  past.work = entry.work;
  past.each = work_of(entry.bits);
  past.period_time = tree.period_time(number);
  for (HeaderNumber n = number; n != no_header && past.times_known < past.times.size(); n = tree.index()[n].parent) {
    const HeaderEntry& one = tree.index()[n];
    if (!one.time_known) break;
    past.times[one.height % past.times.size()] = one.time;
    ++past.times_known;
  }
  return past;
}

HeaderPresync::Row& HeaderPresync::begin(uint64_t source, const BlockHash& parent, const HeaderTree& tree) {
  const HeaderNumber number = tree.index().find(parent);
  ASSERT(number != no_header);
  if (!rows_.contains(source) && rows_.size() >= sources_max) {
    rows_.erase(std::ranges::min_element(rows_, {}, [](const auto& entry) { return entry.second.used; }));
  }
  Row& row = rows_[source];
  row = {};
  row.start = parent;
  row.first = past_of(number, tree);
  return row;
}

Result<void> HeaderPresync::follow_bits(const Past& past, const Header& header) const {
  const Rules& rules = *options_->rules;
  uint32_t required = past.bits;
  if (rules.retargets && (past.height + 1) % rules.retarget_blocks == 0) {
    if (!past.period_time) {
      if (retarget_possible(rules, past.bits, header.bits)) return {};
      return fail(ErrorCode::bad_difficulty, "retarget by more than a factor of four");
    }
    required = retargeted_bits(rules, past.bits, *past.period_time, past.time);
  }
  return header.bits == required ? Result<void>{} : fail(ErrorCode::bad_difficulty, "bits");
}

// The rules of HeaderTree::accept, from what the past leaves of the headers before.
Result<void> HeaderPresync::follow(Past& past, const Bytes& wire, const HeaderTree& tree, WallTime now) const {
  TRY(header, parse_header(wire));
  const BlockHash hash = hash_header(wire);
  const uint32_t height = past.height + 1;
  TRY_VOID(check_proof_of_work(*options_->rules, hash, header.bits));
  if (header.previous != past.hash) return fail(ErrorCode::unconnected_header, "not the child of the one before it");
  if (height > height_max) return fail(ErrorCode::bad_header, "height");
  TRY_VOID(tree.check_checkpoints(height, hash));
  TRY_VOID(follow_bits(past, header));
  if (past.times_known > 0) {
    auto times = past.times;
    // While fewer than eleven are known, the places of the others hold nothing.
    size_t count = 0;
    for (size_t back = 0; back < past.times_known; ++back) times[count++] = past.times[(past.height - back) % times.size()];
    std::nth_element(times.begin(), times.begin() + static_cast<ptrdiff_t>(count / 2),
                     times.begin() + static_cast<ptrdiff_t>(count));
    if (header.time <= times[count / 2]) return fail(ErrorCode::bad_time, "not after the median of the last eleven");
  }
  if (header.version < version_min(*options_->rules, height)) return fail(ErrorCode::bad_header, "version");
  if (int64_t{header.time} > unix_seconds(now) + future_seconds_max)
    return fail(ErrorCode::bad_time, "more than two hours ahead");

  if (header.bits != past.bits) past.each = work_of(header.bits);
  past.work = past.work + past.each;
  past.hash = hash;
  past.height = height;
  past.bits = header.bits;
  past.time = header.time;
  past.times[height % past.times.size()] = header.time;
  past.times_known = std::min(past.times_known + 1, past.times.size());
  if (height % options_->rules->retarget_blocks == 0) past.period_time = header.time;
  return {};
}

// A peer must not know it beforehand: it is drawn by the key of the hash table.
bool HeaderPresync::bit_of(const BlockHash& hash) const {
  Bytes keyed(16);
  for (size_t i = 0; i < 16; ++i) keyed[i] = static_cast<uint8_t>(options_->table_key[i / 8] >> (8 * (i % 8)));
  append(keyed, hash.view());
  return blake2s(keyed)[0] & 1;
}

Result<void> HeaderPresync::first_time(Row& row, const Bytes& wire, const HeaderTree& tree, WallTime now) {
  TRY_VOID(follow(row.first, wire, tree, now));
  if (has_bit(row.first)) {
    if (row.bits.size() >= headers_max / commitment_step) return fail(ErrorCode::low_work, "so many headers, so little work");
    row.bits.push_back(bit_of(row.first.hash));
  }
  return {};
}

Result<void> HeaderPresync::second_time(Row& row, const Bytes& wire, const HeaderTree& tree, WallTime now, Step& step) {
  TRY_VOID(follow(row.second, wire, tree, now));
  if (has_bit(row.second) && row.checked < row.bits.size() && row.bits[row.checked++] != bit_of(row.second.hash)) {
    return fail(ErrorCode::contradiction, "another chain than the first time");
  }
  // Beyond what the first time left bits of, nothing could be compared.
  if (row.second.height > row.first.height && row.second.work < least_work_) {
    return fail(ErrorCode::contradiction, "longer than the first time, with less work");
  }
  ByteArray<header_bytes> header;
  std::ranges::copy(wire, header.begin());
  row.kept.push_back(header);
  const size_t keep = row.second.work >= least_work_ ? 0 : lookahead;
  for (; row.kept.size() > keep; row.kept.pop_front()) step.release.push_back(to_bytes(row.kept.front()));
  return {};
}

HeaderPresync::Step HeaderPresync::on_headers(uint64_t source, const std::vector<Bytes>& headers, const HeaderTree& tree,
                                              WallTime now) {
  const Place place = place_of(headers, tree);
  Row& row = goes_on(source, place.parent) ? rows_.at(source) : begin(source, place.parent, tree);
  row.used = ++messages_;
  Step step;
  for (size_t i = place.known; i < headers.size(); ++i) {
    const auto done = row.again ? second_time(row, headers[i], tree, now, step) : first_time(row, headers[i], tree, now);
    if (!done) {
      step.error = done.error();
      rows_.erase(source);
      return step;
    }
    step.last = {newest(row).hash, newest(row).height};
  }
  if (newest(row).work < least_work_) return step;
  const HeaderNumber start = tree.index().find(row.start);
  if (row.again || start == no_header) {
    rows_.erase(source);
    return step;
  }
  row.again = step.again = true;
  row.second = past_of(start, tree);
  return step;
}

size_t HeaderPresync::bytes() const {
  size_t sum = 0;
  for (const auto& [source, row] : rows_) sum += sizeof row + row.bits.capacity() / 8 + row.kept.size() * header_bytes;
  return sum;
}

}  // namespace lattice::bitcoin
