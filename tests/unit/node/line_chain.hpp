// A naive chain for tests: the longest line of headers wins. A header is the parent's hash, the body's hash and a mark that
// stands for proof of work; a block is its header and a body.
#pragma once

#include <map>
#include <set>

#include <lattice/crypto/hash.hpp>
#include <lattice/node/chain.hpp>

namespace lattice::test {

constexpr size_t header_bytes = 65;
constexpr uint8_t good_mark = 0x77;

struct LineBlock {
  Bytes header, body;
  BlockHash hash;
  Bytes bytes() const {
    Bytes out = header;
    append(out, body);
    return out;
  }
};
inline BlockHash header_hash(ByteView header) { return BlockHash{blake2s(header)}; }
inline LineBlock make_block(const BlockHash& parent, Bytes body) {
  LineBlock block;
  block.header = to_bytes(parent.view());
  append(block.header, blake2s(body));
  block.header.push_back(good_mark);
  block.body = std::move(body);
  block.hash = header_hash(block.header);
  return block;
}
inline const LineBlock& genesis() {
  static const LineBlock block = make_block(BlockHash{}, Bytes{'g'});
  return block;
}
// `count` blocks on top of `parent`; another `salt` gives another branch.
inline std::vector<LineBlock> make_line(BlockHash parent, size_t count, size_t body_bytes, uint8_t salt = 0) {
  std::vector<LineBlock> out;
  for (size_t i = 0; i < count; ++i) {
    Bytes body(body_bytes, static_cast<uint8_t>(i));
    body.push_back(static_cast<uint8_t>(i >> 8));
    body.push_back(salt);
    out.push_back(make_block(parent, std::move(body)));
    parent = out.back().hash;
  }
  return out;
}

class LineChain final : public Chain {
 public:
  // How a hostile peer's chain answers.
  enum class Lie { none, bad_mark, unlinked, high_claim };
  explicit LineChain(std::vector<LineBlock> blocks = {}, Lie lie = Lie::none) : lie_(lie) {
    identity_.id.bytes[0] = 7;
    identity_.genesis = genesis().hash;
    identity_.block_bytes_max = 1024 * 1024;
    rows_[genesis().hash] = {genesis().header, 0, {}};
    line_ = {genesis().hash};
    bodies_[genesis().hash] = {};
    for (const auto& block : blocks) {
      ChainEvents ignored;
      HeadersVerdict verdict;
      take_header(block.header, verdict, ignored);
      bodies_[block.hash] = SharedBytes(block.bytes());
    }
  }
  const ChainIdentity& identity() const override { return identity_; }
  std::optional<SharedBytes> body(const BlockHash& hash) const {
    const auto found = bodies_.find(hash);
    return found == bodies_.end() || found->second.empty() ? std::nullopt : std::optional{found->second};
  }
  ChainEvents apply(const ChainCommand& command, Store&, Now) override {
    ChainEvents out;
    std::visit([&](const auto& c) { on(c, out); }, command);
    return out;
  }

 private:
  struct Row {
    Bytes header;
    uint64_t height = 0;
    BlockHash parent;
  };
  void on(const LoadChain&, ChainEvents& out) {
    out.push_back(best_changed(0));
    tip_ = tip_height();
    Tip tip = tip_at(tip_);
    if (lie_ == Lie::high_claim) tip.block.height += 1'000'000;
    out.push_back(TipChanged{tip, 0});
  }
  void on(const SubmitHeaders& c, ChainEvents& out) {
    HeadersVerdict verdict{c.request, {}, 0, {}};
    for (const auto& header : c.headers) {
      if (!take_header(header, verdict, out)) break;
    }
    out.push_back(verdict);
  }
  void on(const SubmitBlock& c, ChainEvents& out) {
    BlockVerdict verdict{c.request, {}, {}};
    const ByteView bytes = c.block.view();
    if (bytes.size() < header_bytes) {
      verdict.error = {ErrorCode::bad_block, "length"};
    } else {
      verdict.block = header_hash(bytes.first(header_bytes));
      if (!rows_.contains(verdict.block)) verdict.error = {ErrorCode::unknown_parent, "block"};
      const auto body_hash = blake2s(bytes.subspan(header_bytes));
      if (!equal(body_hash, bytes.subspan(32, 32))) verdict.error = {ErrorCode::bad_merkle_root, "body"};
    }
    if (verdict.error.code == ErrorCode::none) bodies_[verdict.block] = c.block;
    out.push_back(verdict);
    move_tip(out);
  }
  void on(const SubmitConsensus& c, ChainEvents& out) {
    const bool bad = !c.message.empty() && c.message.view()[0] == 'x';
    out.push_back(ConsensusVerdict{c.request, {bad ? ErrorCode::bad_signature : ErrorCode::none, "consensus"}, !bad});
    consensus_seen.push_back(std::string(as_text(c.message.view())));
  }
  void on(const FindHeaders& c, ChainEvents& out) {
    HeadersFound found{c.request, {}};
    for (uint64_t h = after(c.locator); h < line_.size() && found.headers.size() < c.count_max; ++h) {
      Bytes header = rows_.at(line_[h]).header;
      if (lie_ == Lie::bad_mark && h > 5) header.back() = 0;
      if (lie_ == Lie::unlinked && h > 5) header[0] ^= 1;
      found.headers.push_back(header);
      if (line_[h] == c.stop) break;
    }
    out.push_back(std::move(found));
  }
  void on(const FindMissing& c, ChainEvents& out) {
    MissingFound found{c.request, {}};
    for (uint64_t h = c.above + 1; h < line_.size() && found.blocks.size() < c.count_max; ++h) {
      if (!bodies_.contains(line_[h])) found.blocks.push_back({line_[h], h});
    }
    out.push_back(std::move(found));
  }
  void on(const ChainTick&, ChainEvents& out) {
    for (auto& event : outbox) out.push_back(std::move(event));
    outbox.clear();
  }

  uint64_t after(const std::vector<BlockHash>& locator) const {
    for (const auto& hash : locator) {
      const auto row = rows_.find(hash);
      if (row != rows_.end() && row->second.height < line_.size() && line_[row->second.height] == hash)
        return row->second.height + 1;
    }
    return 1;
  }
  bool take_header(const Bytes& header, HeadersVerdict& verdict, ChainEvents& out) {
    const auto reject = [&](ErrorCode code) {
      verdict.error = {code, "header"};
      return false;
    };
    if (header.size() != header_bytes) return reject(ErrorCode::bad_header);
    if (header.back() != good_mark) return reject(ErrorCode::bad_proof_of_work);
    const BlockHash parent = BlockHash::from(ByteView(header).first(32));
    const auto before = rows_.find(parent);
    if (before == rows_.end()) return reject(ErrorCode::unconnected_header);
    const BlockHash hash = header_hash(header);
    const uint64_t height = before->second.height + 1;
    verdict.last = {hash, height};
    if (!rows_.try_emplace(hash, Row{header, height, parent}).second) return true;
    ++verdict.accepted;
    if (height < line_.size()) return true;
    std::vector<BlockHash> branch;
    BlockHash at = hash;
    while (rows_.at(at).height >= line_.size() || line_[rows_.at(at).height] != at) {
      branch.push_back(at);
      at = rows_.at(at).parent;
    }
    const uint64_t fork = rows_.at(at).height;
    line_.resize(fork + 1);
    line_.insert(line_.end(), branch.rbegin(), branch.rend());
    out.push_back(best_changed(fork));
    move_tip(out);
    return true;
  }
  uint64_t tip_height() const {
    uint64_t h = 0;
    while (h + 1 < line_.size() && bodies_.contains(line_[h + 1])) ++h;
    return h;
  }
  void move_tip(ChainEvents& out) {
    const uint64_t height = tip_height();
    if (height == tip_ && line_[height] == tip_hash_) return;
    tip_ = height;
    tip_hash_ = line_[height];
    out.push_back(TipChanged{tip_at(height), 0});
  }
  Tip tip_at(uint64_t height) const { return {{line_[height], height}, Bytes{static_cast<uint8_t>(height)}}; }
  BestHeaderChanged best_changed(uint64_t fork) const {
    BestHeaderChanged event{tip_at(line_.size() - 1), {}, fork};
    for (uint64_t h = line_.size() - 1, step = 1; h > 0; h -= std::min(h, step)) {
      event.locator.push_back(line_[h]);
      if (event.locator.size() > 10) step *= 2;
    }
    event.locator.push_back(line_[0]);
    return event;
  }

  ChainIdentity identity_;
  Lie lie_;
  std::map<BlockHash, Row> rows_;
  std::vector<BlockHash> line_;
  std::map<BlockHash, SharedBytes> bodies_;
  uint64_t tip_ = 0;
  BlockHash tip_hash_;

 public:
  std::vector<ChainEvent> outbox;  // said at the next tick
  std::vector<std::string> consensus_seen;
  // A block made here.
  void mine(const LineBlock& block) {
    HeadersVerdict verdict;
    take_header(block.header, verdict, outbox);
    bodies_[block.hash] = SharedBytes(block.bytes());
    move_tip(outbox);
    outbox.push_back(PublishBlock{{block.hash, line_.size() - 1}});
  }
  const std::vector<BlockHash>& line() const { return line_; }
};

}  // namespace lattice::test
