#include <examples/minichain/minichain.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/crypto/hash.hpp>
#include <lattice/wire/reader.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::minichain {

constexpr size_t core = 72, signature = 3309, header_size = core + signature, signed_vote = 1 + signature;
constexpr Error no_error;
const auto context = as_bytes("lattice/1/vote");

static Bytes number(uint64_t value) { return wire::Writer().u64(value).take(); }
static Bytes signed_text(uint64_t height, const BlockHash& hash) {
  return wire::Writer().u64(height).bytes(hash.view()).take();
}
static BlockHash hash_of(ByteView header) { return {blake2s(header.first(core))}; }
static uint64_t height_of(ByteView header) { return *wire::Reader(header).u64(); }
static uint64_t voted_height(ByteView vote) { return vote.empty() ? 0 : height_of(vote.subspan(1)); }
static BlockHash voted_hash(ByteView vote) { return vote.empty() ? BlockHash{} : BlockHash::from(vote.subspan(9, 32)); }
static Bytes encode_vote(uint8_t validator, uint64_t height, const BlockHash& hash, ByteView by) {
  return wire::Writer().u8(validator).u64(height).bytes(hash.view()).bytes(by).take();
}

class MiniChain final : public Chain {
  struct Entry {
    BlockHash hash;
    Bytes header;
    bool body = false;
  };

  Provider& provider_;
  Validators validators_;
  std::shared_ptr<const SigningKey> key_;
  uint8_t own_ = validator_count;  // our place among the validators
  ChainIdentity identity_;
  std::vector<Entry> entries_;                // by height; each the child of the one before
  std::array<Bytes, validator_count> votes_;  // the newest of each; our own is on disk before it is sent
  uint64_t final_ = 0, tip_ = 0, fork_ = 0;

 public:
  MiniChain(Validators validators, std::shared_ptr<const SigningKey> key, Provider& provider)
      : provider_(provider), validators_(std::move(validators)), key_(std::move(key)) {
    const BlockHash genesis{hash(HashAlg::blake2s, {validators_[0], validators_[1], validators_[2], validators_[3]})};
    identity_ = {ChainId{genesis.bytes}, genesis, header_size + quorum * signed_vote};
    entries_.push_back({genesis, {}, true});
    for (uint8_t i = 0; key_ && i < validator_count; ++i) own_ = equal(key_->public_key(), validators_[i]) ? i : own_;
  }
  const ChainIdentity& identity() const override { return identity_; }

  ChainEvents apply(const ChainCommand& command, Store& store, Now) override {
    const auto before = std::tuple{entries_.back().hash, entries_[tip_].hash, std::min(tip_, final_)};
    const bool loading = std::holds_alternative<LoadChain>(command);
    fork_ = entries_.size() - 1;
    Batch batch;
    ChainEvents events;
    if (const auto* find = std::get_if<FindHeaders>(&command)) return {find_headers(*find)};
    if (const auto* find = std::get_if<FindMissing>(&command)) return {find_missing(*find)};
    if (loading && !load(store)) return {ChainFailed{{ErrorCode::store_failed, "minichain: load"}}};
    if (const auto* headers = std::get_if<SubmitHeaders>(&command)) {
      events.push_back(add_headers(headers->request, headers->headers, batch));
    } else if (const auto* block = std::get_if<SubmitBlock>(&command)) {
      events.push_back(add_block(block->request, block->block, batch));
    } else if (const auto* vote = std::get_if<SubmitConsensus>(&command)) {
      const auto added = add_vote(vote->message.view(), batch);
      events.push_back(ConsensusVerdict{vote->request, added ? no_error : added.error(), added.value_or(false)});
    }
    count_votes();
    if (own_ < validator_count) act(std::holds_alternative<ChainTick>(command), batch, events);
    if (!batch.empty() && !store.commit(batch)) return {ChainFailed{{ErrorCode::store_failed, "minichain"}}};
    const auto after = std::tuple{entries_.back().hash, entries_[tip_].hash, std::min(tip_, final_)};
    const Tip best{{entries_.back().hash, entries_.size() - 1}, number(entries_.size() - 1)};
    const std::vector<BlockHash> locator{best.block.hash, entries_[final_].hash, identity_.genesis};  // what is final stays
    if (loading || std::get<0>(before) != std::get<0>(after)) events.push_back(BestHeaderChanged{best, locator, fork_});
    if (loading || before != after)
      events.push_back(TipChanged{{{entries_[tip_].hash, tip_}, number(std::get<2>(after))}, std::min(tip_, fork_)});
    return events;
  }

 private:
  bool load(const Store& store) {
    Batch none;
    std::vector<Bytes> headers, votes;
    for (const auto& [column, out] : {std::pair{Column::headers, &headers}, {Column::meta, &votes}})
      if (!store.scan(column, [to = out](ByteView, ByteView value) { return to->push_back(to_bytes(value)), true; }))
        return false;
    for (const auto& vote : votes) (void)add_vote(vote, none);
    add_headers({}, headers, none);
    for (size_t height = 1; height < entries_.size(); ++height)
      if (const auto body = store.read(Column::bodies, entries_[height].hash.view()); body && *body)
        add_block({}, **body, none);
    return true;
  }

  HeadersVerdict add_headers(RequestId request, const std::vector<Bytes>& headers, Batch& batch) {
    HeadersVerdict verdict{request, no_error, 0, {}};
    const auto refuse = [&](ErrorCode code, const char* where) { return verdict.error = {code, where}, verdict; };
    for (const auto& header : headers) {
      if (header.size() != header_size) return refuse(ErrorCode::bad_header, "minichain: header size");
      const BlockHash hash = hash_of(header), parent = BlockHash::from(ByteView(header).subspan(8, 32));
      const uint64_t height = height_of(header), best = entries_.size() - 1;
      const bool connected = height > 0 && height <= best + 1 && entries_[height - 1].hash == parent;
      if (!connected) return refuse(ErrorCode::unconnected_header, "minichain: parent");
      const bool known = height <= best && entries_[height].hash == hash;
      const auto vote = encode_vote(height % validator_count, height, hash, ByteView(header).subspan(core));
      if (!known && !valid(vote[0], height, hash, vote)) return refuse(ErrorCode::bad_signature, "minichain: proposer");
      if (!known && height <= final_) return refuse(ErrorCode::bad_header, "minichain: a second block at a final height");
      verdict.last = {hash, height};
      if (known) continue;
      if (height <= best && height_of(headers.back()) <= best) return verdict;  // beside ours, and no longer
      if (height <= best) fork_ = std::min(fork_, height - 1), tip_ = std::min(tip_, height - 1), entries_.resize(height);
      entries_.push_back({hash, header, false});
      batch.puts.push_back({Column::headers, number(height), SharedBytes(header)});
      (void)add_vote(vote, batch);
      ++verdict.accepted;
    }
    return verdict;
  }

  BlockVerdict add_block(RequestId request, const SharedBytes& block, Batch& batch) {
    BlockVerdict verdict{request, {}, no_error};
    const auto refuse = [&](ErrorCode code, const char* where) { return verdict.error = {code, where}, verdict; };
    if (block.size() < header_size || block.size() > identity_.block_bytes_max)
      return refuse(ErrorCode::bad_block, "minichain: size");
    auto body = block.view().subspan(header_size);
    verdict.block = hash_of(block.view());
    if (!equal(blake2s(body), block.view().subspan(40, 32))) return refuse(ErrorCode::mutated_block, "minichain: body");
    const auto header = add_headers({}, {to_bytes(block.view().first(header_size))}, batch);
    if (header.error.code != ErrorCode::none) return refuse(header.error.code, header.error.where);
    const uint64_t height = header.last.height, parent = height - 1;
    if (height >= entries_.size() || entries_[height].hash != verdict.block || entries_[height].body) return verdict;
    if (parent > 0 && body.size() < quorum * signed_vote) return refuse(ErrorCode::bad_block, "minichain: certificate size");
    for (size_t i = 0, next = 0; parent > 0 && i < quorum; next = body[0] + size_t{1}, body = body.subspan(signed_vote), ++i)
      if (body[0] < next || !valid(body[0], parent, entries_[parent].hash, body.first(signed_vote)))  // nobody counts twice
        return refuse(ErrorCode::bad_signature, "minichain: certificate");
    entries_[height].body = true;
    batch.puts.push_back({Column::bodies, to_bytes(verdict.block.view()), block});
    final_ = std::max(final_, parent);
    return verdict;
  }

  // True: newer than what its validator said before, and worth passing on.
  Result<bool> add_vote(ByteView bytes, Batch& batch) {
    if (bytes.size() != 40 + signed_vote || bytes[0] >= validator_count) return fail(ErrorCode::bad_value, "minichain: vote");
    if (voted_height(bytes) <= voted_height(votes_[bytes[0]])) return false;
    if (!valid(bytes[0], voted_height(bytes), voted_hash(bytes), bytes))
      return fail(ErrorCode::bad_signature, "minichain: vote");
    votes_[bytes[0]] = to_bytes(bytes);
    batch.puts.push_back({Column::meta, Bytes{bytes[0]}, SharedBytes(to_bytes(bytes))});
    return true;
  }

  // The signature comes last in `bytes`.
  bool valid(uint8_t validator, uint64_t height, const BlockHash& hash, ByteView bytes) const {
    if (validator >= validator_count) return false;
    return provider_.verify(SignAlg::mldsa65, validators_[validator], context, signed_text(height, hash),
                            bytes.last(signature));
  }

  void count_votes() {
    while (tip_ + 1 < entries_.size() && entries_[tip_ + 1].body) ++tip_;
    for (const auto& vote : votes_) {
      const uint64_t height = voted_height(vote), same = std::ranges::count(votes_, voted_hash(vote), voted_hash);
      if (height == 0 || height >= entries_.size() || same < quorum) continue;
      ASSERT(height > final_ || entries_[height].hash == voted_hash(vote));  // else two of four validators are false
      if (entries_[height].hash == voted_hash(vote)) final_ = std::max(final_, height);
    }
  }

  // A validator votes once a height, on the child of a final block. On a tick it proposes in its turn, or says its vote again.
  void act(bool tick, Batch& batch, ChainEvents& events) {
    const uint64_t voted = voted_height(votes_[own_]), height = tip_ + 1;
    if (tip_ > voted && final_ + 1 >= tip_) {
      cast_vote(tip_, entries_[tip_].hash, batch);
    } else if (tick && voted < height && final_ == tip_ && entries_.size() == height && height % validator_count == own_) {
      Bytes body;
      for (uint8_t i = 0; i < validator_count && body.size() < quorum * signed_vote; ++i)
        if (voted_hash(votes_[i]) == entries_[tip_].hash)
          append(body, wire::Writer().u8(i).bytes(ByteView(votes_[i]).last(signature)).view());
      if (tip_ > 0 && body.size() < quorum * signed_vote) return;  // final by its child's certificate, which is gone again
      const auto header = wire::Writer().u64(height).bytes(entries_[tip_].hash.view()).bytes(blake2s(body)).take();
      cast_vote(height, hash_of(header), batch);
      const auto by = ByteView(votes_[own_]).last(signature);
      const auto made = add_block({}, SharedBytes(wire::Writer().bytes(header).bytes(by).bytes(body).take()), batch);
      ASSERT(made.error.code == ErrorCode::none);
      events.push_back(PublishBlock{{made.block, height}});
    }
    count_votes();
    if (voted_height(votes_[own_]) > voted || (tick && voted > 0))
      events.push_back(PublishConsensus{SharedBytes(votes_[own_])});
  }

  void cast_vote(uint64_t height, const BlockHash& hash, Batch& batch) {
    (void)add_vote(encode_vote(own_, height, hash, key_->sign(context, signed_text(height, hash), {})),
                   batch);  // FIPS 204 3.4: rnd = 0
    batch.sync = true;
  }

  HeadersFound find_headers(const FindHeaders& find) const {
    HeadersFound found{find.request, {}};
    size_t at = 0;
    for (const auto& hash : find.locator) {
      at = static_cast<size_t>(std::ranges::find(entries_, hash, &Entry::hash) - entries_.begin());
      if (at < entries_.size()) break;
    }
    const size_t most = std::min(find.count_max, find.bytes_max / header_size);
    for (at = at < entries_.size() ? at + 1 : 1; at < entries_.size() && found.headers.size() < most; ++at) {
      found.headers.push_back(entries_[at].header);
      if (entries_[at].hash == find.stop) break;
    }
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
