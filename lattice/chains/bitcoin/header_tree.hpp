// Headers that are valid, which of their chains is the best, and what may follow them. Memory only; the store is chain.cpp's
// affair.
#pragma once

#include <optional>

#include <lattice/chains/bitcoin/chain.hpp>
#include <lattice/chains/bitcoin/header_index.hpp>

namespace lattice::bitcoin {

class HeaderTree {
 public:
  // `options` must outlive the tree and hold a start that make_chain has checked.
  explicit HeaderTree(const ChainOptions& options);

  struct Accepted {
    HeaderNumber number = no_header;
    bool added = false;  // false: known before
  };
  // 80 bytes from a peer. Errors: bad_header, bad_proof_of_work, bad_difficulty, bad_time, checkpoint_mismatch,
  // below_checkpoint, unconnected_header; bad_block where the header or an ancestor belongs to a block known to be invalid.
  Result<Accepted> accept(ByteView wire, WallTime now);
  // A header that was checked when it was stored. Refused (store_failed): its parent or height is not what it must be.
  Result<HeaderNumber> restore(const Header& header, const BlockHash& hash, uint32_t height, bool body_invalid);

  // Brings the best header chain up to the strongest valid header, if that has the least work. True: it changed.
  bool move_best();
  // `number` and all above it can be valid no more. Followed by move_best. Looks at every header: each call costs a peer the
  // proof of work of a block.
  void invalidate(HeaderNumber number);
  // The preferred one where several valid headers have the most work.
  void prefer(HeaderNumber number);

  HeaderNumber start() const { return 0; }
  HeaderNumber best() const { return best_.back(); }
  bool best_is_enough() const { return index_[best()].work >= least_work_; }
  bool on_best(HeaderNumber number) const;
  // On the best header chain, between the start's height and the best's.
  HeaderNumber at(uint32_t height) const { return best_[height - index_[0].height]; }
  // Newest first: ten in a row, then ever wider steps, the start last.
  std::vector<BlockHash> locator() const;
  // Headers of the best chain after the first hash of `find`'s locator that is on it; after the start where none is.
  std::vector<Bytes> find_headers(const FindHeaders& find) const;
  Tip tip_of(HeaderNumber number) const;
  // Of the first header of its retarget period. Empty: that lies before the start, or its time is not known.
  std::optional<uint32_t> period_time(HeaderNumber number) const;
  Result<void> check_checkpoints(uint32_t height, const BlockHash& hash) const;

  HeaderIndex& index() { return index_; }
  const HeaderIndex& index() const { return index_; }

  // Bounding the memory: entries that are not in the store are counted by the caller's marks.
  void mark_stored(HeaderNumber number);
  bool too_many_side_headers() const { return index_.size() - stored_ > side_limit_; }
  // Forgets all that are not stored but the strongest branch of them. Gives new numbers by old.
  std::vector<HeaderNumber> forget_side_headers();

 private:
  Result<void> check(const Header& header, HeaderNumber parent, WallTime now) const;
  Result<void> check_bits(const Header& header, HeaderNumber parent) const;
  HeaderNumber add(const Header& header, const BlockHash& hash, HeaderNumber parent, bool body_invalid);
  HeaderNumber ancestor(HeaderNumber number, uint32_t height) const;
  U256 cached_work(uint32_t bits);

  const ChainOptions* options_;
  U256 least_work_;
  HeaderIndex index_;
  std::vector<HeaderNumber> best_;  // by height above the start's
  HeaderNumber strongest_ = 0;      // most work of all valid headers, least work or not; of equals the first seen
  uint32_t checkpoint_height_ = 0;  // of the highest checkpoint that is in the index
  size_t stored_ = 0;
  size_t side_limit_ = 0;
  uint32_t cached_bits_ = 0;
  U256 cached_work_;
};

}  // namespace lattice::bitcoin
