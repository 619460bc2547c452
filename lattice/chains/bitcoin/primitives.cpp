#include <lattice/chains/bitcoin/primitives.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>

namespace lattice::bitcoin {

namespace {

uint64_t little_endian(ByteView bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

void put_u32(ByteSpan out, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) out[i] = static_cast<uint8_t>(value >> (8 * i));
}

}  // namespace

Result<Header> parse_header(ByteView bytes) {
  if (bytes.size() != header_bytes) return fail(ErrorCode::bad_header, "header size");
  Header header;
  header.version = static_cast<int32_t>(little_endian(bytes.subspan(0, 4)));
  header.previous = BlockHash::from(bytes.subspan(4, 32));
  std::ranges::copy(bytes.subspan(36, 32), header.merkle_root.begin());
  header.time = static_cast<uint32_t>(little_endian(bytes.subspan(68, 4)));
  header.bits = static_cast<uint32_t>(little_endian(bytes.subspan(72, 4)));
  header.nonce = static_cast<uint32_t>(little_endian(bytes.subspan(76, 4)));
  return header;
}

ByteArray<header_bytes> header_wire(const Header& header) {
  ByteArray<header_bytes> wire;
  const ByteSpan out = wire;
  put_u32(out.subspan(0, 4), static_cast<uint32_t>(header.version));
  std::ranges::copy(header.previous.bytes, out.subspan(4, 32).begin());
  std::ranges::copy(header.merkle_root, out.subspan(36, 32).begin());
  put_u32(out.subspan(68, 4), header.time);
  put_u32(out.subspan(72, 4), header.bits);
  put_u32(out.subspan(76, 4), header.nonce);
  return wire;
}

BlockHash hash_of(const Header& header) { return hash_header(header_wire(header)); }

std::string display(const BlockHash& hash) {
  ByteArray<32> reversed;
  std::ranges::reverse_copy(hash.bytes, reversed.begin());
  return to_hex(reversed);
}

std::optional<BlockHash> from_display(std::string_view text) {
  auto bytes = from_hex(text);
  if (!bytes || bytes->size() != 32) return std::nullopt;
  std::ranges::reverse(*bytes);
  return BlockHash::from(*bytes);
}

void Cursor::refuse(ErrorCode code, const char* where) {
  if (ok()) error_ = Error{code, where};
}

ByteView Cursor::take(size_t count) {
  if (count > left()) refuse(ErrorCode::truncated, "block");
  if (!ok()) return {};
  offset_ += count;
  return bytes_.subspan(offset_ - count, count);
}

uint8_t Cursor::u8() { return static_cast<uint8_t>(little_endian(take(1))); }
uint32_t Cursor::u32() { return static_cast<uint32_t>(little_endian(take(4))); }
uint64_t Cursor::u64() { return little_endian(take(8)); }

uint64_t Cursor::compact() {
  const uint8_t first = u8();
  if (first < 253) return first;
  const size_t width = size_t{2} << (first - 253);
  const uint64_t value = little_endian(take(width));
  const uint64_t least = width == 2 ? 253 : width == 4 ? 0x1'0000 : 0x1'0000'0000;
  if (value < least) refuse(ErrorCode::not_canonical, "compact size");
  return ok() ? value : 0;
}

size_t Cursor::count(size_t each) {
  const uint64_t value = compact();
  if (value > left() / each) refuse(ErrorCode::truncated, "count");
  return ok() ? static_cast<size_t>(value) : 0;
}

TxInput read_input(Cursor& cursor) {
  TxInput input;
  input.outpoint = cursor.take(36);
  input.script = cursor.var_bytes();
  input.sequence = cursor.u32();
  return input;
}

TxOutput read_output(Cursor& cursor) {
  TxOutput output;
  output.value = cursor.u64();
  output.script = cursor.var_bytes();
  return output;
}

namespace {

// BIP144: each input has a count of items, each item a length. Superfluous where every count is zero.
void skip_witness(Cursor& cursor, size_t inputs) {
  bool any = false;
  for (size_t i = 0; i < inputs && cursor.ok(); ++i) {
    const size_t items = cursor.count(1);
    any |= items != 0;
    for (size_t item = 0; item < items && cursor.ok(); ++item) cursor.var_bytes();
  }
  if (!any) cursor.refuse(ErrorCode::not_canonical, "superfluous witness");
}

}  // namespace

Result<Transaction> read_transaction(Cursor& cursor) {
  Transaction tx;
  const size_t begin = cursor.offset();
  tx.version = cursor.take(4);
  size_t body = cursor.offset();
  size_t inputs = cursor.count(inputs_min_bytes);
  const bool marked = inputs == 0 && cursor.ok();
  if (marked) {
    if (cursor.u8() != 1) cursor.refuse(ErrorCode::bad_block, "no inputs, or an unknown transaction flag");
    body = cursor.offset();
    inputs = cursor.count(inputs_min_bytes);
  }
  if (inputs == 0) cursor.refuse(ErrorCode::bad_block, "no inputs");
  const size_t inputs_begin = cursor.offset();
  for (size_t i = 0; i < inputs && cursor.ok(); ++i) read_input(cursor);
  tx.inputs = cursor.since(inputs_begin);

  const size_t outputs = cursor.count(outputs_min_bytes);
  if (outputs == 0) cursor.refuse(ErrorCode::bad_block, "no outputs");
  const size_t outputs_begin = cursor.offset();
  for (size_t i = 0; i < outputs && cursor.ok(); ++i) read_output(cursor);
  tx.outputs = cursor.since(outputs_begin);
  tx.body = cursor.since(body);

  if (marked) {
    const size_t witness_begin = cursor.offset();
    skip_witness(cursor, inputs);
    tx.witness = cursor.since(witness_begin);
  }
  tx.lock_time = cursor.take(4);
  tx.all = cursor.since(begin);
  tx.input_count = static_cast<uint32_t>(inputs);
  tx.output_count = static_cast<uint32_t>(outputs);
  if (!cursor.ok()) return std::unexpected(cursor.error());
  return tx;
}

Digest Transaction::txid() const {
  if (!has_witness()) return sha256d(all);
  return sha256(hash(HashAlg::sha256, {version, body, lock_time}));
}

Result<Block> parse_block(ByteView bytes) {
  if (bytes.size() < header_bytes) return fail(ErrorCode::truncated, "block header");
  Block block;
  block.header = *parse_header(bytes.first(header_bytes));
  block.bytes = bytes.size();

  Cursor cursor(bytes.subspan(header_bytes));
  const size_t count = cursor.count(transaction_bytes_min);
  if (!cursor.ok()) return std::unexpected(cursor.error());
  if (count == 0) return fail(ErrorCode::bad_block, "no transactions");
  block.base_bytes = header_bytes + cursor.offset();
  // A transaction in memory is an order larger than the smallest on the wire: room for what is likely, growth for the rest.
  block.transactions.reserve(std::min(count, bytes.size() / 100 + 1));
  for (size_t i = 0; i < count; ++i) {
    TRY(tx, read_transaction(cursor));
    block.base_bytes += tx.base_bytes();
    block.transactions.push_back(tx);
  }
  if (cursor.left() != 0) return fail(ErrorCode::trailing_bytes, "block");
  return block;
}

}  // namespace lattice::bitcoin
