// Which block to ask of whom. A value: missing blocks, arrivals and verdicts in, requests out.
//
// A window of the lowest missing blocks is shared out among the peers that have them. Each peer answers its requests in order,
// so an arrival is matched with the oldest one; the chain's verdict then says which block it was. How many a peer may owe
// follows from how fast it pays. Blocks that a silent peer holds up are asked of another as soon as there is nothing else to
// ask. Who gave what it was asked for last is asked first, for whoever announces first may mean to keep it (CVE-2024-52913).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include <lattice/base/fifo.hpp>
#include <lattice/base/flat_map.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/result.hpp>
#include <lattice/base/time.hpp>

namespace lattice {

struct BlockAsk {
  ConnId peer;
  std::vector<BlockHash> hashes;  // at most limits::block_request_hashes_max
};

class BlockDownload {
 public:
  static constexpr size_t window_blocks = 1024;             // from the lowest missing one
  static constexpr size_t window_bytes = 64 * 1024 * 1024;  // estimated, of what is asked
  static constexpr size_t judging_blocks_max = 256;         // arrived, waiting for their verdict
  static constexpr size_t judging_bytes_max = 64 * 1024 * 1024;
  static constexpr size_t owed_first = 16, owed_max = 128;  // blocks that one peer may owe
  static constexpr size_t askers_max = 3;                   // peers that one block is asked of at a time
  static constexpr Duration patience_first = std::chrono::seconds{2}, patience_max = std::chrono::seconds{64};
  static constexpr Duration silence_min = std::chrono::seconds{10};  // owes blocks and gave none for so long: useless
  static constexpr Duration retry_pause = std::chrono::seconds{30};  // after not_found

  void add(ConnId peer);
  void remove(ConnId peer);  // what it owed is asked of others
  // What the peer says that it has, by its status or an announcement; only ever raised.
  void raise_have(ConnId peer, uint64_t height);
  // The peer gave valid headers up to here. It is asked above what it has where nobody claims to have more.
  void raise_headers(ConnId peer, uint64_t height);

  // How many more missing blocks are of use, and above which height; 0: none now.
  size_t room() const;
  uint64_t above() const { return above_; }
  void add_missing(const std::vector<BlockRef>& blocks);
  // The best header chain changed above `height`: what was missing there is no longer.
  void rewind(uint64_t height);

  std::vector<BlockAsk> poll(Instant now);

  // A block of `bytes` came. The block it must be, where it is still of use; nothing where it is late; unrequested where the
  // peer owes none.
  Result<std::optional<BlockRef>> on_block(ConnId peer, size_t bytes, Instant now);
  // About the block that on_block named. Not valid: another peer is asked.
  void on_verdict(ConnId peer, const BlockRef& block, size_t bytes, bool valid, Instant now);
  // How many of them the peer owed.
  size_t on_not_found(ConnId peer, const std::vector<BlockHash>& hashes, Instant now);

  struct Stalls {
    std::vector<ConnId> slow;     // held up the window; others were asked
    std::vector<ConnId> useless;  // gave nothing for too long
  };
  Stalls on_timeout(Instant now);
  std::optional<Instant> next_timeout() const;

  bool full() const { return judging_ >= judging_blocks_max || judging_bytes_ >= judging_bytes_max; }
  size_t owed() const;  // by all peers
  size_t owed(ConnId peer) const;

 private:
  struct Debt {
    BlockRef block;
    Instant asked;
  };
  struct Peer {
    uint64_t have = 0, headers = 0;
    uint64_t said = 0;             // `have`, as it was before not_found lowered it
    std::optional<Instant> retry;  // when it counts again
    Fifo<Debt> debts;              // oldest first
    size_t owed_limit = owed_first;
    Instant progress{};   // its last block, or when it began to owe
    bool slow = false;    // until its next block
    bool proven = false;  // gave a valid block since it was last slow
  };
  // Wanted -> Asked -> Judging -> gone (valid) | Wanted
  struct Row {
    BlockHash hash;
    std::vector<ConnId> asked;    // who owes it
    std::vector<ConnId> refused;  // who gave a bad one, or none
    bool judging = false;
  };
  uint64_t reach(const Peer& peer, uint64_t best) const;
  size_t spare(const Peer& peer, size_t owed_by_all) const;
  void ask_those(std::vector<BlockAsk>& out, bool slow, bool proven, Instant now);
  std::vector<BlockRef> share_out(ConnId id, Peer& peer, size_t count, uint64_t best, Instant now);
  void forget_debt(ConnId id, const BlockRef& block);
  Row* row_of(const BlockRef& block);
  bool someone_else(const Row& row, uint64_t height, uint64_t best) const;
  void want(uint64_t height, Row& row);
  uint64_t best_have() const;
  Duration silence_limit() const { return std::max<Duration>(silence_min, 5 * patience_); }

  FlatMap<ConnId, Peer> peers_;
  std::map<uint64_t, Row> rows_;  // by height
  std::set<uint64_t> wanted_;     // heights of rows that nobody owes and nobody judges
  uint64_t above_ = 0;            // highest height that was ever missing
  size_t judging_ = 0, judging_bytes_ = 0;
  size_t mean_bytes_ = 64 * 1024;  // of a block, over the newest
  Duration patience_ = patience_first;
};

}  // namespace lattice
