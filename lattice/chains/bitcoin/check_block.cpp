#include <lattice/chains/bitcoin/check_block.hpp>

#include <algorithm>
#include <cstring>

namespace lattice::bitcoin {

namespace {

BlockFault blame_sender(ErrorCode code, const char* where) { return {{code, where}, false}; }
BlockFault invalid(ErrorCode code, const char* where) { return {{code, where}, true}; }

// A null outpoint: zero txid, index 2^32 - 1. Only a coinbase has it.
bool is_null(ByteView outpoint) {
  return std::ranges::all_of(outpoint.first(32), [](uint8_t byte) { return byte == 0; }) &&
         std::ranges::all_of(outpoint.subspan(32), [](uint8_t byte) { return byte == 0xff; });
}

bool is_coinbase(const Transaction& tx) { return tx.input_count == 1 && is_null(tx.inputs.first(36)); }

// An inner node of a Merkle tree is 64 bytes, as a transaction may be: a list of inner nodes could stand for the block. It
// would hardly begin with a coinbase; a block that does not, but has such a "transaction", proves nothing against its header.
bool could_be_inner_nodes(const Block& block) {
  return std::ranges::any_of(block.transactions, [](const Transaction& tx) { return tx.base_bytes() == 64; });
}

std::optional<BlockFault> check_merkle_root(const Block& block) {
  std::vector<Digest> ids;
  ids.reserve(block.transactions.size());
  for (const Transaction& tx : block.transactions) ids.push_back(tx.txid());
  const MerkleResult merkle = merkle_root(ids);
  if (merkle.root != block.header.merkle_root) return blame_sender(ErrorCode::bad_merkle_root, "merkle root");
  if (merkle.mutated) return blame_sender(ErrorCode::mutated_block, "a transaction stands twice");
  return std::nullopt;
}

std::optional<BlockFault> check_outputs(const Transaction& tx) {
  uint64_t sum = 0;
  Cursor cursor(tx.outputs);
  for (uint32_t i = 0; i < tx.output_count; ++i) {
    const uint64_t value = read_output(cursor).value;
    if (value > money_max || (sum += value) > money_max) return invalid(ErrorCode::bad_block, "output value");
  }
  return std::nullopt;
}

std::optional<BlockFault> check_inputs(const Transaction& tx) {
  Cursor cursor(tx.inputs);
  for (uint32_t i = 0; i < tx.input_count; ++i) {
    if (is_null(read_input(cursor).outpoint)) return invalid(ErrorCode::bad_block, "a null outpoint outside the coinbase");
  }
  return std::nullopt;
}

std::optional<BlockFault> check_coinbase(const Rules& rules, const Transaction& coinbase, uint32_t height) {
  Cursor cursor(coinbase.inputs);
  const ByteView script = read_input(cursor).script;
  if (script.size() < 2 || script.size() > 100) return invalid(ErrorCode::bad_block, "coinbase script size");
  if (height < rules.bip34_height) return std::nullopt;
  // BIP34: "Add height as the first item in the coinbase transaction's scriptSig"; compared byte by byte, as Bitcoin Core does.
  const Bytes push = height_push(height);
  if (script.size() < push.size() || !equal(script.first(push.size()), push)) {
    return invalid(ErrorCode::bad_block, "height in the coinbase");
  }
  return std::nullopt;
}

// BIP141: "If there are more than one scriptPubKey matching the pattern, the one with highest output index is assumed".
ByteView find_commitment(const Transaction& coinbase) {
  ByteView found;
  Cursor cursor(coinbase.outputs);
  for (uint32_t i = 0; i < coinbase.output_count; ++i) {
    const ByteView script = read_output(cursor).script;
    if (script.size() >= 38 && equal(script.first(6), witness_commitment_prefix)) found = script.subspan(6, 32);
  }
  return found;
}

// BIP141: the coinbase's witness is a single item of 32 bytes, on the wire: count 1, length 32, the item.
std::optional<ByteView> reserved_value(const Transaction& coinbase) {
  const ByteView witness = coinbase.witness;
  if (witness.size() != 34 || witness[0] != 1 || witness[1] != 32) return std::nullopt;
  return witness.subspan(2);
}

// The witnesses can be changed without touching the header: what is wrong here is always the sender's.
std::optional<BlockFault> check_witnesses(const Rules& rules, const Block& block, uint32_t height) {
  const Transaction& coinbase = block.transactions.front();
  const ByteView commitment = height >= rules.segwit_height ? find_commitment(coinbase) : ByteView{};
  if (commitment.empty()) {
    const bool any = std::ranges::any_of(block.transactions, &Transaction::has_witness);
    if (any) return blame_sender(ErrorCode::bad_witness_commitment, "witnesses without a commitment");
    return std::nullopt;
  }
  const auto reserved = reserved_value(coinbase);
  if (!reserved) return blame_sender(ErrorCode::bad_witness_commitment, "reserved value");

  std::vector<Digest> ids(1);  // BIP141: the coinbase's wtxid counts as zero
  ids.reserve(block.transactions.size());
  for (size_t i = 1; i < block.transactions.size(); ++i) ids.push_back(block.transactions[i].wtxid());
  const Digest root = merkle_root(ids).root;
  const Digest expected = sha256(hash(HashAlg::sha256, {root, *reserved}));
  if (!equal(expected, commitment)) return blame_sender(ErrorCode::bad_witness_commitment, "witness root");
  return std::nullopt;
}

std::optional<BlockFault> check_transactions(const Rules& rules, const Block& block, uint32_t height) {
  const auto& transactions = block.transactions;
  if (!is_coinbase(transactions.front())) {
    if (could_be_inner_nodes(block)) return blame_sender(ErrorCode::mutated_block, "a 64-byte transaction");
    return invalid(ErrorCode::bad_block, "the first transaction is no coinbase");
  }
  for (size_t i = 1; i < transactions.size(); ++i) {
    if (is_coinbase(transactions[i])) return invalid(ErrorCode::bad_block, "a second coinbase");
    if (auto fault = check_inputs(transactions[i])) return fault;
  }
  for (const Transaction& tx : transactions) {
    if (auto fault = check_outputs(tx)) return fault;
  }
  return check_coinbase(rules, transactions.front(), height);
}

}  // namespace

std::optional<BlockFault> check_block(const Rules& rules, ByteView bytes, uint32_t height) {
  const auto block = parse_block(bytes);
  if (!block) return BlockFault{block.error(), false};
  // The Merkle root first: what follows may only be held against the header once the header vouches for the transactions.
  if (auto fault = check_merkle_root(*block)) return fault;
  if (block->base_bytes * 4 > block_weight_max) return invalid(ErrorCode::block_too_large, "base size");
  if (auto fault = check_transactions(rules, *block, height)) return fault;
  if (auto fault = check_witnesses(rules, *block, height)) return fault;
  // Only now is the weight the block's own: before, the sender could have added to the witnesses.
  if (block->weight() > block_weight_max) return invalid(ErrorCode::block_too_large, "weight");
  return std::nullopt;
}

MerkleResult merkle_root(std::vector<Digest>& leaves) {
  MerkleResult result;
  if (leaves.empty()) return result;
  size_t count = leaves.size();
  ByteArray<64> pair;
  while (count > 1) {
    size_t out = 0;
    for (size_t i = 0; i < count; i += 2) {
      const bool alone = i + 1 == count;  // then it is paired with itself
      if (!alone && leaves[i] == leaves[i + 1]) result.mutated = true;
      std::memcpy(pair.data(), leaves[i].data(), 32);
      std::memcpy(pair.data() + 32, leaves[alone ? i : i + 1].data(), 32);
      leaves[out++] = sha256d(pair);
    }
    count = out;
  }
  result.root = leaves.front();
  return result;
}

// Script numbers: 0 is an empty push, 1 to 16 have opcodes of their own, others are little-endian with a sign bit to spare.
Bytes height_push(uint32_t height) {
  if (height == 0) return {0x00};
  if (height <= 16) return {static_cast<uint8_t>(0x50 + height)};
  Bytes number;
  for (uint32_t rest = height; rest != 0; rest >>= 8) number.push_back(static_cast<uint8_t>(rest));
  if ((number.back() & 0x80) != 0) number.push_back(0);
  number.insert(number.begin(), static_cast<uint8_t>(number.size()));
  return number;
}

}  // namespace lattice::bitcoin
