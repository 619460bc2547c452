// lattice mkchain: a chain made to measure, in a file that `lattice import` and bitcoind -loadblock read.
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <lattice/chains/bitcoin/blk_file.hpp>
#include <lattice/chains/bitcoin/check_block.hpp>
#include <lattice/chains/bitcoin/mkchain.hpp>

#include "files.hpp"
#include "presets.hpp"
#include "program.hpp"

namespace lattice::app {

namespace {

struct MakeOptions {
  std::string rules = "regtest", out;
  uint32_t blocks = 0;
  size_t block_bytes = 0, transactions = 0;
  uint64_t seed = 0;
};

constexpr uint32_t blocks_max = 10'000'000;

HostResult<void> run_mkchain(const MakeOptions& options) {
  // "regtest", or a preset at the lowest difficulty with a genesis of its own.
  const auto* preset = find_preset(options.rules == "regtest" ? "bitcoin-regtest" : options.rules);
  if (!preset || preset->rules != Rules::bitcoin_regtest) {
    return failure("no chain was made", "there are no rules \"" + options.rules + "\" at the lowest difficulty",
                   "write --rules regtest, or a preset's name: quantumcoin, quantumchain, hauptbuch, qnet");
  }
  auto rules = bitcoin::regtest();
  rules.genesis = *bitcoin::parse_header(preset->genesis);
  DraftFile file(options.out);
  const auto write_error = [&] {
    return failure("the file " + options.out + " could not be written", std::strerror(errno),
                   "check that its folder exists, may be written and has room");
  };
  if (!file.is_open()) return write_error();
  bitcoin::MakeChainOptions make;
  make.rules = &rules;
  make.blocks = options.blocks;
  make.block_bytes = options.block_bytes;
  make.transactions = options.transactions;
  make.seed = options.seed;
  const auto made = bitcoin::make_chain_file(make, preset->magic, [&](ByteView bytes) -> Result<void> {
    if (!file.write(as_text(bytes))) return fail(ErrorCode::store_failed, "write");
    return {};
  });
  if (!made && made.error().code == ErrorCode::store_failed) return write_error();
  if (!made)
    return failure("no chain was made", fmt::format("{} ({})", error_text(made.error().code), made.error().where),
                   "ask for smaller blocks or fewer transactions");
  if (!file.finish()) return write_error();
  fmt::print("{}: genesis and {} blocks, {} bytes\n", options.out, options.blocks, file.written());
  return {};
}

}  // namespace

void add_mkchain(Program& program) {
  auto* command = program.app.add_subcommand(
      "mkchain", "Make a chain that bitcoind -regtest accepts; the same options give the same bytes");
  const auto options = std::make_shared<MakeOptions>();
  command->add_option("--rules", options->rules, "regtest, or a preset that runs at the lowest difficulty")
      ->capture_default_str();
  command->add_option("--blocks", options->blocks, "How many, above the genesis")
      ->required()
      ->check(CLI::Range(uint32_t{1}, blocks_max));
  command->add_option("--block-bytes", options->block_bytes, "Size of each, at least as large as its parts")
      ->check(CLI::Range(size_t{0}, bitcoin::block_weight_max))
      ->capture_default_str();
  command->add_option("--txs", options->transactions, "Transactions in each, beside the coinbase, from height 101 on")
      ->check(CLI::Range(size_t{0}, bitcoin::made_transactions_max))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Another seed, another chain")
      ->check(number_in(0, seed_max))
      ->capture_default_str();
  command->add_option("--out", options->out, "File in blk format: magic, length, block; genesis first")->required();
  command->callback([&program, options] { program.action = [options] { return run_mkchain(*options); }; });
}

}  // namespace lattice::app
