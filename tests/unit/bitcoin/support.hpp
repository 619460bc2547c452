// What the tests of this folder share: a chain driven like a worker drives it, blocks put together by hand, and real data where
// it is to be had.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include <gtest/gtest.h>

#include <lattice/chains/bitcoin/blk_file.hpp>
#include <lattice/chains/bitcoin/chain.hpp>
#include <lattice/chains/bitcoin/check_block.hpp>
#include <lattice/chains/bitcoin/mkchain.hpp>
#include <lattice/node/memory_store.hpp>

namespace lattice::bitcoin::test {

inline Bytes unhex(std::string_view text) {
  auto bytes = from_hex(text);
  EXPECT_TRUE(bytes.has_value());
  return bytes.value_or(Bytes{});
}
inline BlockHash shown(std::string_view text) {
  auto hash = from_display(text);
  EXPECT_TRUE(hash.has_value());
  return hash.value_or(BlockHash{});
}

// Mainnet blocks 1 and 2.
inline const char* const block_1_hex =
    "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cd"
    "b606"
    "e857233e0e61bc6649ffff001d01e362990101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff0704"
    "ffff"
    "001d0104ffffffff0100f2052a0100000043410496b538e853519c726a2c91e61ec11600ae1390813a627c66fb8be7947be63c52da7589379515d4e0a6"
    "04f8"
    "141781e62294721166bf621e73a82cbf2342c858eeac00000000";
inline const char* const block_2_hex =
    "010000004860eb18bf1b1620e37e9490fc8a427514416fd75159ab86688e9a8300000000d5fdcc541e25de1c7a5addedf24858b8bb665c9f36ef744ee4"
    "2c31"
    "6022c90f9bb0bc6649ffff001d08d2bd610101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff0704"
    "ffff"
    "001d010bffffffff0100f2052a010000004341047211a824f55b505228e4c3d5194c1fcfaa15a456abdf37f9b9d97a4040afc073dee6c89064984f0338"
    "5237"
    "d92167c13e236446b417ab79a0fcae412ae3316b77ac00000000";

constexpr int64_t late = 1'790'000'000;  // after everything that real data holds

struct Outcome {
  Error error;
  BlockHash block;
  size_t accepted = 0;
  BlockRef last;
  bool again = false;
  std::optional<BestHeaderChanged> best;
  std::optional<TipChanged> tip;
  std::optional<Error> failed;
  std::vector<Bytes> headers;
  std::vector<BlockRef> missing;

  ErrorCode code() const { return error.code; }
};

// One chain on one store, asked one thing at a time.
class Driver {
 public:
  Driver(const ChainOptions& options, Store& store) : store_(&store) {
    auto made = make_chain(options);
    EXPECT_TRUE(made.has_value());
    chain_ = std::move(*made);
  }

  int64_t wall = late;

  Outcome load() { return run(LoadChain{}); }
  Outcome headers(std::vector<Bytes> headers) { return run(SubmitHeaders{next(), std::move(headers)}); }
  Outcome peer_headers(std::vector<Bytes> headers, uint64_t source) {
    return run(SubmitHeaders{next(), std::move(headers), source});
  }
  Outcome header(const Bytes& block) { return headers({to_bytes(ByteView(block).first(header_bytes))}); }
  Outcome block(Bytes block) { return run(SubmitBlock{next(), SharedBytes(std::move(block))}); }
  Outcome find(std::vector<BlockHash> locator, BlockHash stop = {}, size_t count = 2000, size_t bytes = 1 << 20) {
    return run(FindHeaders{next(), std::move(locator), stop, count, bytes});
  }
  Outcome missing(uint64_t above = 0, size_t count = 1000) { return run(FindMissing{next(), above, count}); }
  Chain& chain() { return *chain_; }

  Outcome run(const ChainCommand& command) {
    Outcome out;
    for (ChainEvent& event : chain_->apply(command, *store_, Now{{}, wall_from_unix(wall)})) take(out, event);
    return out;
  }

 private:
  RequestId next() { return RequestId{++requests_}; }

  void take(Outcome& out, ChainEvent& event) {
    if (auto* e = std::get_if<HeadersVerdict>(&event)) {
      EXPECT_EQ(e->request.value, requests_);
      out.error = e->error;
      out.accepted = e->accepted;
      out.last = e->last;
      out.again = e->again;
    } else if (auto* b = std::get_if<BlockVerdict>(&event)) {
      EXPECT_EQ(b->request.value, requests_);
      out.error = b->error;
      out.block = b->block;
    } else if (auto* best = std::get_if<BestHeaderChanged>(&event)) {
      EXPECT_FALSE(out.best.has_value());
      out.best = *best;
    } else if (auto* tip = std::get_if<TipChanged>(&event)) {
      EXPECT_FALSE(out.tip.has_value());
      out.tip = *tip;
    } else if (auto* failed = std::get_if<ChainFailed>(&event)) {
      out.failed = failed->error;
    } else if (auto* found = std::get_if<HeadersFound>(&event)) {
      out.headers = found->headers;
    } else if (auto* missing = std::get_if<MissingFound>(&event)) {
      out.missing = missing->blocks;
    } else if (auto* consensus = std::get_if<ConsensusVerdict>(&event)) {
      out.error = consensus->error;
    }
  }

  Store* store_;
  std::unique_ptr<Chain> chain_;
  uint64_t requests_ = 0;
};

inline ChainOptions options_of(const Rules& rules) {
  ChainOptions options;
  options.rules = &rules;
  options.id = chain_id(rules);
  return options;
}

// Blocks of a made chain on regtest, genesis first: index is height.
inline std::vector<Bytes> made(uint32_t blocks, uint64_t seed = 1, size_t bytes = 600, size_t transactions = 0) {
  std::vector<Bytes> out;
  MakeChainOptions options;
  options.rules = &regtest();
  options.blocks = blocks;
  options.block_bytes = bytes;
  options.transactions = transactions;
  options.seed = seed;
  const auto done = make_chain_blocks(options, [&](ByteView block) -> Result<void> {
    out.push_back(to_bytes(block));
    return {};
  });
  EXPECT_TRUE(done.has_value());
  return out;
}

inline Bytes header_of(const Bytes& block) { return to_bytes(ByteView(block).first(header_bytes)); }
inline std::vector<Bytes> headers_of(const std::vector<Bytes>& blocks, size_t from = 0) {
  std::vector<Bytes> out;
  for (size_t i = from; i < blocks.size(); ++i) out.push_back(header_of(blocks[i]));
  return out;
}
inline BlockHash hash_of_block(const Bytes& block) { return hash_header(block); }

// Finds a nonce for what the header says it needs.
inline Header ground(Header header, const Rules& rules = regtest()) {
  for (header.nonce = 0; !check_proof_of_work(rules, hash_of(header), header.bits); ++header.nonce) {
    if (header.nonce == 10'000'000) {
      ADD_FAILURE() << "no nonce found";
      break;
    }
  }
  return header;
}

inline std::vector<Bytes> transactions_of(ByteView block) {
  std::vector<Bytes> out;
  const auto parsed = parse_block(block);
  EXPECT_TRUE(parsed.has_value());
  if (parsed) {
    for (const Transaction& tx : parsed->transactions) out.push_back(to_bytes(tx.all));
  }
  return out;
}

// A block of these transactions (fewer than 253) on `header`, whose Merkle root and nonce are made to fit.
inline Bytes assemble(Header header, const std::vector<Bytes>& transactions, bool fit_root = true) {
  std::vector<Digest> ids;
  for (const Bytes& wire : transactions) {
    Cursor cursor(wire);
    const auto tx = read_transaction(cursor);
    ids.push_back(tx ? tx->txid() : Digest{});
  }
  if (fit_root) {
    header.merkle_root = merkle_root(ids).root;
    header = ground(header);
  }
  Bytes block = to_bytes(header_wire(header));
  block.push_back(static_cast<uint8_t>(transactions.size()));
  for (const Bytes& wire : transactions) append(block, wire);
  return block;
}

// Where real data lies: LATTICE_DATA, or shared/data beside the tree.
inline std::optional<std::filesystem::path> data_file(const char* name) {
  namespace fs = std::filesystem;
  std::vector<fs::path> roots;
  if (const char* set = std::getenv("LATTICE_DATA")) roots.emplace_back(set);
  std::error_code ignored;
  for (fs::path from : {fs::current_path(ignored), fs::path(__FILE__).parent_path()}) {
    for (; from.has_relative_path(); from = from.parent_path()) roots.push_back(from / "shared" / "data");
  }
  for (const fs::path& root : roots) {
    if (fs::exists(root / "bitcoin" / name, ignored)) return root / "bitcoin" / name;
  }
  return std::nullopt;
}

inline Bytes file_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

inline ReadBytes reader_of(const Bytes& bytes, size_t& offset) {
  return [&bytes, &offset](ByteSpan out) -> Result<size_t> {
    const size_t count = std::min(out.size(), bytes.size() - offset);
    std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(offset), count, out.begin());
    offset += count;
    return count;
  };
}

inline std::vector<Bytes> read_blk(const Bytes& file, ByteArray<4> magic = mainnet_magic) {
  size_t offset = 0;
  BlkReader reader(magic, 4'000'000, reader_of(file, offset));
  std::vector<Bytes> blocks;
  while (true) {
    auto block = reader.next();
    EXPECT_TRUE(block.has_value()) << block.error().where;
    if (!block || !*block) return blocks;
    blocks.push_back(std::move(**block));
  }
}

}  // namespace lattice::bitcoin::test

#define REAL_DATA(name, file)                                                                            \
  const auto LATTICE_JOIN(path_, __LINE__) = data_file(file);                                            \
  if (!LATTICE_JOIN(path_, __LINE__))                                                                    \
    GTEST_SKIP() << "no " << file << ": shared/data is not beside the tree and LATTICE_DATA is not set"; \
  const Bytes name = file_bytes(*LATTICE_JOIN(path_, __LINE__))
