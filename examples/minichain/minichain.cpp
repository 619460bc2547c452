#include <examples/minichain/minichain.hpp>

#include <algorithm>
#include <map>

#include <lattice/crypto/hash.hpp>
#include <lattice/wire/reader.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::minichain {

constexpr size_t core_size = 48, vote_size = 1 + core_size + 3309;
const auto context = as_bytes("lattice/1/vote");

// Of a vote, which has its size already.
static ByteView core_of(ByteView vote) { return vote.subspan(1, core_size); }
static uint64_t height_of(ByteView vote) { return *wire::Reader(vote.subspan(1)).u64(); }
static BlockHash hash_of(ByteView vote) { return {blake2s(core_of(vote))}; }

class MiniChain final : public Chain {
  struct Entry {
    BlockHash hash;
    std::map<uint8_t, Bytes> votes;  // by turn, the proposer's first; `quorum` of them are the block
  };

  Provider& provider_;
  Validators validators_;
  std::shared_ptr<const SigningKey> key_;
  uint8_t own_ = 0;  // the key's place among the validators; none: validator_count
  ChainIdentity identity_;
  std::vector<Entry> entries_;                 // by height; each the child of the one before
  std::array<Bytes, validator_count> newest_;  // the newest vote heard of each; zeros before the first
  uint64_t tip_ = 0;                           // up to here every block is complete

 public:
  MiniChain(Validators validators, std::shared_ptr<const SigningKey> key, Provider& provider)
      : provider_(provider), validators_(std::move(validators)), key_(std::move(key)) {
    const BlockHash genesis{hash(HashAlg::blake2s, {validators_[0], validators_[1], validators_[2], validators_[3]})};
    identity_ = {ChainId{genesis.bytes}, genesis, quorum * vote_size};
    entries_.push_back({genesis, {}});
    newest_.fill(Bytes(vote_size));
    while (own_ < validator_count && !(key_ && equal(key_->public_key(), validators_[own_]))) ++own_;
  }
  const ChainIdentity& identity() const override { return identity_; }

  ChainEvents apply(const ChainCommand& command, Store& store, Now now) override {
    if (const auto* find = std::get_if<FindHeaders>(&command)) return {find_headers(*find)};
    if (const auto* find = std::get_if<FindMissing>(&command)) return {find_missing(*find)};
    const bool loading = std::holds_alternative<LoadChain>(command), tick = std::holds_alternative<ChainTick>(command);
    const Tip old_best = best(), old_tip = at(tip_);
    Batch batch;
    ChainEvents events;
    if (const auto* headers = std::get_if<SubmitHeaders>(&command)) events.push_back(add_headers(*headers, batch));
    if (const auto* block = std::get_if<SubmitBlock>(&command)) events.push_back(add_block(*block, batch));
    if (const auto* message = std::get_if<SubmitConsensus>(&command)) events.push_back(hear(*message));
    for (const auto& vote : newest_) (void)add_vote(vote, batch);  // also one that came before its parent did
    if (own_ < validator_count && !loading) say_vote(tick, now, batch, events);
    const auto recall = [&](ByteView, ByteView vote) {
      newest_[vote[0]] = to_bytes(vote);
      return (void)add_vote(vote, batch), true;
    };
    const bool done = loading ? store.scan(Column::headers, recall).has_value() : batch.empty() || store.commit(batch);
    if (!done) return {ChainFailed{{ErrorCode::store_failed, "minichain"}}};
    const uint64_t kept = old_best.block.height - (at(old_best.block.height).block == old_best.block ? 0 : 1);
    if (loading || best().block != old_best.block)
      events.push_back(BestHeaderChanged{best(), {best().block.hash, entries_[kept].hash, identity_.genesis}, kept});
    if (loading || tip_ != old_tip.block.height) events.push_back(TipChanged{at(tip_), old_tip.block.height});
    return events;
  }

 private:
  Tip at(uint64_t height) const { return {{entries_[height].hash, height}, wire::Writer().u64(height).take()}; }
  Tip best() const { return at(entries_.size() - 1); }

  // Right in size, and signed by the validator that it names.
  bool valid(ByteView vote) const {
    return vote.size() == vote_size && vote[0] < validator_count &&
           provider_.verify(SignAlg::mldsa65, validators_[vote[0]], context, core_of(vote), vote.subspan(1 + core_size));
  }

  // Headers and blocks are votes too: the first one for a block is its proposer's, the third one completes it.
  Error add_vote(ByteView vote, Batch& batch) {
    if (vote.size() != vote_size) return {ErrorCode::bad_header, "minichain: size"};
    const uint64_t height = height_of(vote), best = entries_.size() - 1;
    if (height == 0 || height > best + 1 || !equal(entries_[height - 1].hash.view(), vote.subspan(9, 32)))
      return {ErrorCode::unconnected_header, "minichain: parent"};
    const uint8_t turn = (vote[0] + validator_count - height % validator_count) % validator_count;  // zero: the proposer
    const bool known = height <= best && entries_[height].hash == hash_of(vote);
    if (known && (is_complete(height) || entries_[height].votes.contains(turn))) return {};
    if ((!known && turn != 0) || !valid(vote)) return {ErrorCode::bad_signature, "minichain: vote"};
    if (!known) {
      // Only a false proposer makes two blocks of one height: the newer one counts until one is complete or has a child.
      if (height < best || (height == best && is_complete(best))) return {ErrorCode::bad_header, "minichain: second block"};
      entries_.resize(height);
      entries_.push_back({hash_of(vote), {}});
    }
    auto& votes = entries_[height].votes;
    votes[turn] = to_bytes(vote);
    batch.puts.push_back({Column::headers, wire::Writer().u64(height).u8(turn).take(), SharedBytes(votes[turn])});
    if (is_complete(height)) {
      Bytes block;
      for (const auto& each : votes) append(block, each.second);
      batch.puts.push_back({Column::bodies, to_bytes(entries_[height].hash.view()), SharedBytes(std::move(block))});
    }
    while (is_complete(tip_ + 1)) ++tip_;
    return {};
  }
  bool is_complete(uint64_t height) const { return height < entries_.size() && entries_[height].votes.size() == quorum; }

  HeadersVerdict add_headers(const SubmitHeaders& submitted, Batch& batch) {
    HeadersVerdict verdict{submitted.request, {}, 0, {}};
    for (const auto& header : submitted.headers) {
      verdict.error = add_vote(header, batch);
      if (verdict.error.code != ErrorCode::none) break;
      verdict.last = {hash_of(header), height_of(header)};
    }
    verdict.accepted = batch.puts.size();
    return verdict;
  }

  BlockVerdict add_block(const SubmitBlock& submitted, Batch& batch) {
    const ByteView block = submitted.block.view();
    BlockVerdict verdict{submitted.request, {}, {ErrorCode::bad_block, "minichain: block"}};
    if (block.size() != quorum * vote_size) return verdict;
    verdict.block = hash_of(block);
    for (size_t i = 0; i < quorum; ++i) (void)add_vote(block.subspan(i * vote_size, vote_size), batch);
    if (const auto height = height_of(block); is_complete(height) && entries_[height].hash == verdict.block) verdict.error = {};
    return verdict;
  }

  ConsensusVerdict hear(const SubmitConsensus& said) {
    const ByteView vote = said.message.view();
    if (!valid(vote)) return {said.request, {ErrorCode::bad_signature, "minichain: vote"}};
    const bool newer = height_of(vote) > height_of(newest_[vote[0]]);
    if (newer) newest_[vote[0]] = to_bytes(vote);
    return {said.request, {}, newer};
  }

  // Votes for the tip's child, or proposes it in its turn; on a tick it says its vote again. It votes once a height, and its
  // vote is on the medium before anyone hears it.
  void say_vote(bool tick, Now now, Batch& batch, ChainEvents& events) {
    const uint64_t next = tip_ + 1, voted = height_of(newest_[own_]);
    const bool proposed = next < entries_.size(), my_turn = tick && own_ == next % validator_count;
    if (voted < next && (proposed || my_turn)) {
      const auto time = static_cast<uint64_t>(unix_seconds(now.wall));
      const auto mine = wire::Writer().u64(next).bytes(entries_[tip_].hash.view()).u64(time).take();
      const auto core = proposed ? core_of(entries_[next].votes.at(0)) : ByteView(mine);
      newest_[own_] = wire::Writer().u8(own_).bytes(core).bytes(key_->sign(context, core, {})).take();
      batch.sync = true;
      (void)add_vote(newest_[own_], batch);
    }
    if ((tick || batch.sync) && height_of(newest_[own_]) > 0) events.push_back(PublishConsensus{SharedBytes(newest_[own_])});
  }

  // Up to the tip: a header whose block is not complete is not passed on.
  HeadersFound find_headers(const FindHeaders& find) const {
    HeadersFound found{find.request, {}};
    const size_t most = std::min(find.count_max, find.bytes_max / vote_size);
    uint64_t at = tip_;
    while (at > 0 && std::ranges::count(find.locator, entries_[at].hash) == 0) --at;
    for (++at; at <= tip_ && found.headers.size() < most; ++at) found.headers.push_back(entries_[at].votes.at(0));
    return found;
  }
  MissingFound find_missing(const FindMissing& find) const {
    MissingFound found{find.request, {}};
    for (uint64_t at = std::max(find.above, tip_) + 1; at < entries_.size() && found.blocks.size() < find.count_max; ++at)
      if (!is_complete(at)) found.blocks.push_back({entries_[at].hash, at});
    return found;
  }
};

std::unique_ptr<Chain> make_minichain(Validators validators, std::shared_ptr<const SigningKey> key, Provider& provider) {
  return std::make_unique<MiniChain>(std::move(validators), std::move(key), provider);
}

}  // namespace lattice::minichain
