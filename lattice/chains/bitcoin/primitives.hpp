// Bitcoin's headers, transactions and blocks as bytes: parsed where they lie, nothing copied, every read bounded.
//
// A block is an 80-byte header, a CompactSize count and that many transactions (BIP144 for those with witnesses).
#pragma once

#include <vector>

#include <lattice/base/ids.hpp>
#include <lattice/base/result.hpp>
#include <lattice/crypto/hash.hpp>

namespace lattice::bitcoin {

constexpr size_t header_bytes = 80;
constexpr size_t transaction_bytes_min =
    10;                                  // version, no inputs, no outputs, lock time: what the count in front is bounded by
constexpr size_t inputs_min_bytes = 41;  // outpoint 36, empty script 1, sequence 4
constexpr size_t outputs_min_bytes = 9;  // value 8, empty script 1

// All integers little-endian on the wire.
struct Header {
  int32_t version = 0;
  BlockHash previous;
  ByteArray<32> merkle_root{};
  uint32_t time = 0;
  uint32_t bits = 0;
  uint32_t nonce = 0;

  bool operator==(const Header&) const = default;
};
// bad_header: not 80 bytes.
Result<Header> parse_header(ByteView bytes);
ByteArray<header_bytes> header_wire(const Header& header);
BlockHash hash_of(const Header& header);
inline BlockHash hash_header(ByteView bytes) { return BlockHash{sha256d(bytes.first(header_bytes))}; }
// In Bitcoin's display order: the bytes reversed, in hexadecimal.
std::string display(const BlockHash& hash);
// The same read back. Empty where it is no 64 hexadecimal digits.
std::optional<BlockHash> from_display(std::string_view text);

// Reads forward over bytes that it does not own. Once something is wrong it stays wrong: every later read gives zeros, so that
// a walker may check once at the end of each loop body.
class Cursor {
 public:
  explicit Cursor(ByteView bytes) : bytes_(bytes) {}
  ByteView take(size_t count);
  uint8_t u8();
  uint32_t u32();
  uint64_t u64();
  // CompactSize. not_canonical where a longer form than needed was used.
  uint64_t compact();
  // A CompactSize that counts things of at least `each` bytes that follow.
  size_t count(size_t each);
  // A CompactSize and that many bytes.
  ByteView var_bytes() { return take(count(1)); }

  bool ok() const { return error_.code == ErrorCode::none; }
  const Error& error() const { return error_; }
  size_t offset() const { return offset_; }
  size_t left() const { return bytes_.size() - offset_; }
  ByteView since(size_t start) const { return bytes_.subspan(start, offset_ - start); }
  void refuse(ErrorCode code, const char* where);

 private:
  ByteView bytes_;
  size_t offset_ = 0;
  Error error_;
};

// Where a transaction's parts lie. The txid hashes version, body and lock time; the wtxid hashes `all` (BIP141).
struct Transaction {
  ByteView all;              // as it lies on the wire
  ByteView version;          // 4 bytes
  ByteView body;             // inputs and outputs with their counts
  ByteView witness;          // of all inputs; empty without BIP144's marker
  ByteView lock_time;        // 4 bytes
  ByteView inputs, outputs;  // the same without counts
  uint32_t input_count = 0, output_count = 0;

  bool has_witness() const { return !witness.empty(); }
  size_t base_bytes() const { return version.size() + body.size() + lock_time.size(); }
  Digest txid() const;
  Digest wtxid() const { return sha256d(all); }
};
// Walks one transaction. Refuses: empty inputs or outputs, BIP144 marker with flags other than 1 or without any witness item.
Result<Transaction> read_transaction(Cursor& cursor);

struct TxInput {
  ByteView outpoint;  // 36 bytes: txid, index
  ByteView script;
  uint32_t sequence = 0;
};
struct TxOutput {
  uint64_t value = 0;
  ByteView script;
};
TxInput read_input(Cursor& cursor);
TxOutput read_output(Cursor& cursor);

struct Block {
  Header header;
  std::vector<Transaction> transactions;
  size_t bytes = 0;
  size_t base_bytes = 0;  // without markers, flags and witnesses

  size_t weight() const { return 3 * base_bytes + bytes; }  // BIP141
};
// The views in the result point into `bytes`. Refuses anything after the last transaction.
Result<Block> parse_block(ByteView bytes);

}  // namespace lattice::bitcoin
