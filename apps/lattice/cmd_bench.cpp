// lattice bench: where measurements are made.
#include <fmt/format.h>

#include "program.hpp"

namespace lattice::app {

static HostResult<void> run_bench() {
  fmt::print(
      "Measurements run from the source tree, on a release build: ./dev bench\n"
      "By hand, a sync against an import of the same chain:\n"
      "  lattice mkchain --rules regtest --blocks 3000 --block-bytes 10000 --txs 1 --seed 1 --out chain.dat\n"
      "  lattice import chain.dat --chain bitcoin-regtest --data seed --report import.json\n"
      "  lattice node --chain bitcoin-regtest --data seed --listen 127.0.0.1:18444 --no-dns &\n"
      "  lattice node --chain bitcoin-regtest --data fresh --connect 127.0.0.1:18444 --connect-only --until-synced --report sync.json\n");
  return {};
}

void add_bench(Program& program) {
  auto* command = program.app.add_subcommand("bench", "Say how to measure sync, import and cryptography");
  command->callback([&program] { program.action = run_bench; });
}

}  // namespace lattice::app
