// Headers of a peer whose chain is not known to reach the least work: followed without being kept.
//
// The chain comes twice. The first time each header is checked by all rules, but of it only the work is added up, and one bit of
// every 64th is remembered, of a keyed hash that no peer can foresee. When the chain has shown the least work it is asked for
// again from where it began; this time headers are kept, but only those that 32 right bits followed: a peer that shows another
// chain the second time is found out before 2^-32 of its tries. So ten million headers that cost next to nothing leave a few
// kilobytes (CVE-2019-25220; the idea is that of Bitcoin Core's pull request 25717).
//
//   First -> (least work) Again -> (least work again) gone: the rest follows headers that are kept
//     any error, another beginning, or pushed out by newer sources -> gone
#pragma once

#include <deque>
#include <map>

#include <lattice/chains/bitcoin/header_tree.hpp>

namespace lattice::bitcoin {

class HeaderPresync {
 public:
  static constexpr size_t sources_max = 256;                 // more than a node has peers; who was silent longest makes room
  static constexpr uint32_t commitment_step = 64;            // headers a bit
  static constexpr size_t lookahead = 32 * commitment_step;  // headers kept back the second time
  static constexpr uint32_t headers_max = 1u << 24;          // a chain longer than this without the least work is left

  // `options` must outlive this.
  explicit HeaderPresync(const ChainOptions& options)
      : options_(&options), least_work_(U256::from_big_endian(options.least_work)) {}

  struct Step {
    std::vector<Bytes> release;  // to be accepted now, in order
    BlockRef last;               // last valid header of the message
    bool again = false;          // the source is to be asked from where the chain began
    Error error;
  };

  // Whether the message is for here: a chain that this source has begun here, or one that stands on a header without the least
  // work and does not show it in this message.
  bool takes(uint64_t source, const std::vector<Bytes>& headers, const HeaderTree& tree) const;
  // All of a message that it takes.
  Step on_headers(uint64_t source, const std::vector<Bytes>& headers, const HeaderTree& tree, WallTime now);
  void forget(uint64_t source) { rows_.erase(source); }
  void clear() { rows_.clear(); }
  size_t size() const { return rows_.size(); }
  size_t bytes() const;  // held

 private:
  // What the rules need of the headers before the next one.
  struct Past {
    BlockHash hash;
    uint32_t height = 0, bits = 0, time = 0;
    U256 work, each;                                   // all of it; of the last header alone
    std::array<uint32_t, median_time_blocks> times{};  // of the newest; by height, round and round
    size_t times_known = 0;
    std::optional<uint32_t> period_time;  // of the first header of this retarget period, where it is known
  };
  struct Row {
    bool again = false;
    BlockHash start;     // the header that all of it stands on
    Past first, second;  // how far the chain came each time
    std::vector<bool> bits;
    size_t checked = 0;                        // bits, the second time
    std::deque<ByteArray<header_bytes>> kept;  // the second time, not released yet
    uint64_t used = 0;                         // when, counted in messages
  };

  // Where the message's first new header stands, and how many known ones come before it.
  struct Place {
    BlockHash parent;
    size_t known = 0;
  };
  static Place place_of(const std::vector<Bytes>& headers, const HeaderTree& tree);
  static const Past& newest(const Row& row) { return row.again ? row.second : row.first; }
  bool goes_on(uint64_t source, const BlockHash& parent) const;
  bool shows_enough(const std::vector<Bytes>& headers, size_t from, const U256& work) const;
  Row& begin(uint64_t source, const BlockHash& parent, const HeaderTree& tree);
  static Past past_of(HeaderNumber number, const HeaderTree& tree);
  Result<void> follow(Past& past, const Bytes& wire, const HeaderTree& tree, WallTime now) const;
  Result<void> follow_bits(const Past& past, const Header& header) const;
  Result<void> first_time(Row& row, const Bytes& wire, const HeaderTree& tree, WallTime now);
  Result<void> second_time(Row& row, const Bytes& wire, const HeaderTree& tree, WallTime now, Step& step);
  bool has_bit(const Past& past) const { return past.height % commitment_step == options_->table_key[0] % commitment_step; }
  bool bit_of(const BlockHash& hash) const;

  const ChainOptions* options_;
  U256 least_work_;
  std::map<uint64_t, Row> rows_;
  uint64_t messages_ = 0;
};

}  // namespace lattice::bitcoin
