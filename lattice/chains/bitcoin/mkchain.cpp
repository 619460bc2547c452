#include <lattice/chains/bitcoin/mkchain.hpp>

#include <algorithm>
#include <cstring>
#include <deque>

#include <lattice/base/random.hpp>
#include <lattice/chains/bitcoin/blk_file.hpp>
#include <lattice/chains/bitcoin/check_block.hpp>

namespace lattice::bitcoin {

namespace {

constexpr uint64_t nonces_max = 1u << 20;    // regtest needs two on average
constexpr size_t pad_output_bytes_min = 15;  // value 8, script length 1, OP_RETURN, OP_PUSHDATA4, push length 4
constexpr uint8_t op_true = 0x51, op_return = 0x6a, op_pushdata4 = 0x4e;
constexpr uint32_t default_interval = 600;

void put_number(Bytes& to, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) to.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

size_t compact_bytes(uint64_t value) { return value < 253 ? 1 : value <= 0xffff ? 3 : value <= 0xffff'ffff ? 5 : 9; }

void put_compact(Bytes& to, uint64_t value) {
  const size_t bytes = compact_bytes(value);
  if (bytes > 1) to.push_back(bytes == 3 ? 253 : bytes == 5 ? 254 : 255);
  put_number(to, value, bytes == 1 ? 1 : bytes - 1);
}

void put_output(Bytes& to, uint64_t value, ByteView script) {
  put_number(to, value, 8);
  put_compact(to, script.size());
  append(to, script);
}

// P2WSH (BIP141): version 0 and the SHA-256 of a script that anyone satisfies.
const Bytes& open_script() {
  static const Bytes script = [] {
    Bytes bytes{0x00, 0x20};
    append(bytes, sha256(ByteArray<1>{op_true}));
    return bytes;
  }();
  return script;
}

// A transaction as BIP144 writes it. Its wtxid is the hash of `wire`.
struct Built {
  Bytes wire;
  Digest txid;
};

// `body`: inputs and outputs with their counts.
Built build(uint32_t version, ByteView body, ByteView witness) {
  Bytes base, wire;
  put_number(base, version, 4);
  append(base, body);
  put_number(base, 0, 4);
  wire.reserve(base.size() + witness.size() + 2);
  put_number(wire, version, 4);
  wire.insert(wire.end(), {0x00, 0x01});
  append(wire, body);
  append(wire, witness);
  put_number(wire, 0, 4);
  return {std::move(wire), sha256d(base)};
}

Built spend(const Digest& txid, uint64_t value) {
  Bytes body{1};
  append(body, txid);
  put_number(body, 0, 4);  // output 0
  body.push_back(0);       // witness programs are spent with an empty script
  put_number(body, 0xffff'ffff, 4);
  body.push_back(1);
  put_output(body, value, open_script());
  return build(2, body, ByteArray<3>{1, 1, op_true});
}

class Maker {
 public:
  explicit Maker(const MakeChainOptions& options) : options_(options), rng_(options.seed) {}

  Bytes genesis();
  Result<Bytes> next();

 private:
  uint32_t next_time() const;
  Result<Header> grind(Header header) const;
  uint64_t seed() const { return options_.seed + (options_.fork_above && height_ > *options_.fork_above ? 1 : 0); }
  Built coinbase(const Digest& witness_root, size_t pad_script) const;
  size_t pad_script_bytes(size_t unpadded) const;

  // The coinbase's one output that can be spent, a hundred blocks later.
  struct Mature {
    Digest txid;
    uint64_t value;
  };
  const MakeChainOptions& options_;
  SeededRng rng_;
  Header last_;
  uint32_t height_ = 0;
  Bytes noise_;  // of this block's padding
  std::deque<Mature> coinbases_;
};

// Both networks' genesis: the coinbase with the headline of 3 January 2009, which its Merkle root commits to.
Bytes Maker::genesis() {
  last_ = options_.rules->genesis;
  Bytes block = to_bytes(header_wire(last_));
  const auto body = from_hex(
      "0101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d6573"
      "203033"
      "2f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffff"
      "ff01"
      "00f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c"
      "384d"
      "f7ba0b8d578a4c702b6bf11d5fac00000000");
  append(block, *body);
  return block;
}

// Every block after the one before, so always after the median of eleven; very long chains go by seconds to stay in the past.
uint32_t Maker::next_time() const {
  if (height_ == 1 && options_.start_time) return *options_.start_time;
  return last_.time + (options_.blocks <= 500'000 ? default_interval : 1);
}

Result<Header> Maker::grind(Header header) const {
  for (header.nonce = 0; header.nonce < nonces_max; ++header.nonce) {
    if (check_proof_of_work(*options_.rules, hash_of(header), header.bits)) return header;
  }
  return fail(ErrorCode::bad_value, "these rules' proof of work is out of reach");
}

Built Maker::coinbase(const Digest& witness_root, size_t pad_script) const {
  Bytes script = height_push(height_);
  script.push_back(8);
  put_number(script, seed(), 8);

  Bytes body{1};
  body.insert(body.end(), 32, 0x00);
  put_number(body, 0xffff'ffff, 4);
  put_compact(body, script.size());
  append(body, script);
  put_number(body, 0xffff'ffff, 4);
  body.push_back(pad_script == 0 ? 2 : 3);
  put_output(body, subsidy(*options_.rules, height_), open_script());
  const ByteArray<32> reserved{};
  Bytes commitment = to_bytes(witness_commitment_prefix);
  append(commitment, sha256(hash(HashAlg::sha256, {witness_root, reserved})));
  put_output(body, 0, commitment);
  if (pad_script != 0) {
    put_number(body, 0, 8);
    put_compact(body, pad_script);
    body.insert(body.end(), {op_return, op_pushdata4});
    put_number(body, pad_script - 6, 4);
    append(body, ByteView(noise_).first(pad_script - 6));
  }
  Bytes witness{1, 32};
  append(witness, reserved);
  return build(1, body, witness);
}

// Length of the padding's script that brings the block to the size asked for; 0 where there is no room for one.
size_t Maker::pad_script_bytes(size_t unpadded) const {
  if (options_.block_bytes < unpadded + pad_output_bytes_min) return 0;
  const size_t room = options_.block_bytes - unpadded - 8;  // of length and script
  for (const size_t width : {1, 3, 5}) {
    if (room >= width && compact_bytes(room - width) <= width) return room - width;
  }
  return 0;
}

Result<Bytes> Maker::next() {
  ++height_;
  std::vector<Built> spends;
  if (coinbases_.size() == coinbase_maturity) {
    Mature source = coinbases_.front();
    coinbases_.pop_front();
    for (size_t i = 0; i < options_.transactions; ++i) {
      spends.push_back(spend(source.txid, source.value));
      source.txid = spends.back().txid;
    }
  }
  std::vector<Digest> ids(1);
  size_t bytes = header_bytes + compact_bytes(spends.size() + 1);
  for (const Built& tx : spends) {
    ids.push_back(sha256d(tx.wire));
    bytes += tx.wire.size();
  }
  const Digest witness_root = merkle_root(ids).root;
  const size_t pad_script = pad_script_bytes(bytes + coinbase(witness_root, 0).wire.size());
  noise_.resize(pad_script);
  rng_.fill(noise_);
  const Built first = coinbase(witness_root, pad_script);
  coinbases_.push_back({first.txid, subsidy(*options_.rules, height_)});

  ids.assign(1, first.txid);
  for (const Built& tx : spends) ids.push_back(tx.txid);
  Header header;
  header.version = 0x2000'0000;
  header.previous = hash_of(last_);
  header.merkle_root = merkle_root(ids).root;
  header.time = next_time();
  header.bits = last_.bits;
  TRY(ground, grind(header));
  last_ = ground;

  Bytes block = to_bytes(header_wire(ground));
  block.reserve(bytes + first.wire.size());
  put_compact(block, spends.size() + 1);
  append(block, first.wire);
  for (const Built& tx : spends) append(block, tx.wire);
  if (parse_block(block)->weight() > block_weight_max) return fail(ErrorCode::block_too_large, "weight of a made block");
  return block;
}

}  // namespace

Result<void> make_chain_blocks(const MakeChainOptions& options, const std::function<Result<void>(ByteView block)>& write) {
  if (options.rules == nullptr || options.rules->retargets)
    return fail(ErrorCode::bad_value, "rules whose chains cannot be made");
  if (options.transactions > made_transactions_max) return fail(ErrorCode::too_large, "transactions a block");
  if (options.block_bytes > block_weight_max) return fail(ErrorCode::block_too_large, "bytes a block");
  if (options.start_time && *options.start_time <= options.rules->genesis.time) return fail(ErrorCode::bad_time, "start time");
  Maker maker(options);
  TRY_VOID(write(maker.genesis()));
  for (uint32_t i = 0; i < options.blocks; ++i) {
    TRY(block, maker.next());
    TRY_VOID(write(block));
  }
  return {};
}

Result<void> make_chain_file(const MakeChainOptions& options, ByteArray<4> magic,
                             const std::function<Result<void>(ByteView bytes)>& write) {
  return make_chain_blocks(options, [&](ByteView block) -> Result<void> {
    TRY_VOID(write(blk_head(magic, static_cast<uint32_t>(block.size()))));
    return write(block);
  });
}

bool is_mined_anew(const Rules& rules, ByteView block, ByteView of) {
  if (block.size() < header_bytes || of.size() < header_bytes) return false;
  if (!std::ranges::equal(block.subspan(header_bytes), of.subspan(header_bytes))) return false;
  const auto header = parse_header(block.first(header_bytes)), other = parse_header(of.first(header_bytes));
  return header && other && header->previous == other->previous && header->merkle_root == other->merkle_root &&
         header->bits == other->bits && check_proof_of_work(rules, hash_of(*header), header->bits);
}

}  // namespace lattice::bitcoin
