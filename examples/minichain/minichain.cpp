#include <examples/minichain/minichain.hpp>

#include <algorithm>
#include <set>

#include <lattice/base/assert.hpp>
#include <lattice/crypto/hash.hpp>
#include <lattice/wire/reader.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::minichain {

constexpr size_t core_size = 48, vote_size = 1 + core_size + 3309;
const auto context = as_bytes("lattice/1/vote");

static Bytes number(uint64_t value) { return wire::Writer().u64(value).take(); }
// Of a vote, which has its size already.
static ByteView core_of(ByteView vote) { return vote.subspan(1, core_size); }
static uint64_t height_of(ByteView vote) { return *wire::Reader(vote.subspan(1)).u64(); }
static BlockHash parent_of(ByteView vote) { return BlockHash::from(vote.subspan(9, 32)); }
static BlockHash hash_of(ByteView vote) { return {blake2s(core_of(vote))}; }

class MiniChain final : public Chain {
  struct Entry {
    BlockHash hash;
    Bytes header;
    bool body = false;
  };

  Provider& provider_;
  Validators validators_;
  std::shared_ptr<const SigningKey> key_;
  uint8_t own_ = 0;  // the key's place among the validators
  ChainIdentity identity_;
  std::vector<Entry> entries_;                // by height; each the child of the one before
  std::array<Bytes, validator_count> votes_;  // the newest of each; all zero before the first
  uint64_t tip_ = 0;                          // up to here every body is stored
  uint64_t fork_ = 0;                         // up to here this command kept the headers

 public:
  MiniChain(Validators validators, std::shared_ptr<const SigningKey> key, Provider& provider)
      : provider_(provider), validators_(std::move(validators)), key_(std::move(key)) {
    const BlockHash genesis{hash(HashAlg::blake2s, {validators_[0], validators_[1], validators_[2], validators_[3]})};
    identity_ = {ChainId{genesis.bytes}, genesis, quorum * vote_size};
    entries_.push_back({genesis, {}, true});
    votes_.fill(Bytes(vote_size));
    while (key_ && !equal(key_->public_key(), validators_[own_])) ++own_, ASSERT(own_ < validator_count);
  }
  const ChainIdentity& identity() const override { return identity_; }

  ChainEvents apply(const ChainCommand& command, Store& store, Now now) override {
    if (const auto* find = std::get_if<FindHeaders>(&command)) return {find_headers(*find)};
    if (const auto* find = std::get_if<FindMissing>(&command)) return {find_missing(*find)};
    const bool loading = std::holds_alternative<LoadChain>(command), tick = std::holds_alternative<ChainTick>(command);
    if (loading && !load(store)) return {ChainFailed{{ErrorCode::store_failed, "minichain: load"}}};
    const BlockHash old_best = entries_.back().hash;
    const uint64_t old_tip = tip_;
    fork_ = entries_.size() - 1;
    Batch batch;
    ChainEvents events;
    if (const auto* headers = std::get_if<SubmitHeaders>(&command))
      events.push_back(add_headers(headers->request, headers->headers, batch));
    if (const auto* block = std::get_if<SubmitBlock>(&command))
      events.push_back(add_block(block->request, block->block, batch));
    if (const auto* vote = std::get_if<SubmitConsensus>(&command))
      events.push_back(add_vote(vote->request, vote->message.view()));
    if (key_ && !loading) say_vote(tick, now, batch, events);
    make_block(batch, events);
    if (!batch.empty() && !store.commit(batch)) return {ChainFailed{{ErrorCode::store_failed, "minichain"}}};
    const Tip best{{entries_.back().hash, entries_.size() - 1}, number(entries_.size() - 1)};
    // Only the best header may not be final yet: whoever is further has its parent.
    if (loading || best.block.hash != old_best)
      events.push_back(BestHeaderChanged{best, {best.block.hash, entries_[fork_].hash, identity_.genesis}, fork_});
    if (loading || tip_ != old_tip) events.push_back(TipChanged{{{entries_[tip_].hash, tip_}, number(tip_)}, old_tip});
    return events;
  }

 private:
  bool load(const Store& store) {
    const auto header = [this](ByteView, ByteView vote) { return entries_.push_back({hash_of(vote), to_bytes(vote)}), true; };
    const auto own_vote = [this](ByteView, ByteView vote) { return votes_[own_] = to_bytes(vote), true; };
    const auto body = [this](ByteView, ByteView block) { return entries_[height_of(block)].body = true, true; };
    if (!store.scan(Column::headers, header) || !store.scan(Column::meta, own_vote)) return false;
    if (!store.scan(Column::bodies, body)) return false;
    while (tip_ + 1 < entries_.size() && entries_[tip_ + 1].body) ++tip_;
    return true;
  }

  // Right in size, and signed by the validator that it names.
  bool valid(ByteView vote) const {
    return vote.size() == vote_size && vote[0] < validator_count &&
           provider_.verify(SignAlg::mldsa65, validators_[vote[0]], context, core_of(vote), vote.subspan(1 + core_size));
  }

  HeadersVerdict add_headers(RequestId request, const std::vector<Bytes>& headers, Batch& batch) {
    HeadersVerdict verdict{request, {}, 0, {}};
    const auto refuse = [&](ErrorCode code, const char* where) { return verdict.error = {code, where}, verdict; };
    for (const auto& header : headers) {
      if (header.size() != vote_size) return refuse(ErrorCode::bad_header, "minichain: header size");
      const uint64_t height = height_of(header), best = entries_.size() - 1;
      const BlockHash hash = hash_of(header);
      if (height == 0 || height > best + 1 || entries_[height - 1].hash != parent_of(header))
        return refuse(ErrorCode::unconnected_header, "minichain: parent");
      if (height > best || entries_[height].hash != hash) {
        if (header[0] != height % validator_count || !valid(header))
          return refuse(ErrorCode::bad_signature, "minichain: proposer");
        // Only a false proposer signs two headers of one height: the newer one counts until one has its votes or a child.
        if (height < best || (height == best && entries_[best].body)) return refuse(ErrorCode::bad_header, "minichain: second");
        fork_ = std::min(fork_, height - 1);
        entries_.resize(height);
        entries_.push_back({hash, header});
        batch.puts.push_back({Column::headers, number(height), SharedBytes(header)});
        ++verdict.accepted;
      }
      verdict.last = {hash, height};
    }
    return verdict;
  }

  BlockVerdict add_block(RequestId request, const SharedBytes& block, Batch& batch) {
    if (block.size() != quorum * vote_size) return {request, {}, {ErrorCode::bad_block, "minichain: block size"}};
    const ByteView header = block.view().first(vote_size);
    const BlockHash hash = hash_of(header);
    const auto connected = add_headers({}, {to_bytes(header)}, batch).error;
    if (connected.code != ErrorCode::none) return {request, hash, connected};
    std::set<uint8_t> voters{header[0]};
    for (size_t i = 1; i < quorum; ++i) {
      const ByteView vote = block.view().subspan(i * vote_size, vote_size);
      if (equal(core_of(vote), core_of(header)) && valid(vote)) voters.insert(vote[0]);
    }
    // The hash does not cover the votes: whoever sends wrong ones is false, the block need not be.
    if (voters.size() < quorum) return {request, hash, {ErrorCode::mutated_block, "minichain: votes"}};
    Entry& entry = entries_[height_of(header)];
    if (!entry.body) batch.puts.push_back({Column::bodies, to_bytes(hash.view()), block});
    entry.body = true;
    while (tip_ + 1 < entries_.size() && entries_[tip_ + 1].body) ++tip_;
    return {request, hash, {}};
  }

  // A validator's vote counts and is passed on where it is newer than the one before.
  ConsensusVerdict add_vote(RequestId request, ByteView vote) {
    if (!valid(vote)) return {request, {ErrorCode::bad_signature, "minichain: vote"}};
    const bool newer = height_of(vote) > height_of(votes_[vote[0]]);
    if (newer) votes_[vote[0]] = to_bytes(vote);
    return {request, {}, newer};
  }

  // Votes for the tip's child where it is proposed, or proposes in its turn; on a tick it says its vote again. It votes once a height:
  // the vote is on the medium before anyone sees it.
  void say_vote(bool tick, Now now, Batch& batch, ChainEvents& events) {
    const uint64_t next = tip_ + 1, proposer = next % validator_count;
    const ByteView proposal = votes_[proposer];
    const bool proposed = height_of(proposal) == next && parent_of(proposal) == entries_[tip_].hash;
    const bool fresh = height_of(votes_[own_]) < next && (proposed || (tick && own_ == proposer));
    if (fresh) {
      const auto time = static_cast<uint64_t>(unix_seconds(now.wall));
      const Bytes made = wire::Writer().u64(next).bytes(entries_[tip_].hash.view()).u64(time).take();
      const Bytes core = proposed ? to_bytes(core_of(proposal)) : made;
      votes_[own_] = wire::Writer().u8(own_).bytes(core).bytes(key_->sign(context, core, {})).take();
      batch.puts.push_back({Column::meta, Bytes{own_}, SharedBytes(votes_[own_])});
      batch.sync = true;
    }
    if (fresh || (tick && height_of(votes_[own_]) > 0)) events.push_back(PublishConsensus{SharedBytes(votes_[own_])});
  }

  // Whoever has three votes for the tip's child, its proposer's among them, has the block.
  void make_block(Batch& batch, ChainEvents& events) {
    const uint64_t next = tip_ + 1;
    const ByteView proposal = votes_[next % validator_count];
    Bytes block = to_bytes(proposal);
    for (const auto& vote : votes_)
      if (vote[0] != proposal[0] && equal(core_of(vote), core_of(proposal))) append(block, vote);
    if (height_of(proposal) != next || block.size() < quorum * vote_size) return;
    block.resize(quorum * vote_size);
    const auto made = add_block({}, SharedBytes(std::move(block)), batch);
    if (made.error.code == ErrorCode::none) events.push_back(PublishBlock{{made.block, next}});
  }

  // Up to the tip: a header without its votes is not passed on.
  HeadersFound find_headers(const FindHeaders& find) const {
    HeadersFound found{find.request, {}};
    uint64_t at = tip_;
    while (at > 0 && std::ranges::count(find.locator, entries_[at].hash) == 0) --at;
    const size_t most = std::min(find.count_max, find.bytes_max / vote_size);
    while (++at <= tip_ && found.headers.size() < most && (at == 1 || entries_[at - 1].hash != find.stop))
      found.headers.push_back(entries_[at].header);
    return found;
  }

  MissingFound find_missing(const FindMissing& find) const {
    MissingFound found{find.request, {}};
    for (uint64_t at = std::max(find.above, tip_) + 1; at < entries_.size() && found.blocks.size() < find.count_max; ++at)
      if (!entries_[at].body) found.blocks.push_back({entries_[at].hash, at});
    return found;
  }
};

std::unique_ptr<Chain> make_minichain(Validators validators, std::shared_ptr<const SigningKey> key, Provider& provider) {
  return std::make_unique<MiniChain>(std::move(validators), std::move(key), provider);
}

}  // namespace lattice::minichain
