// lattice bench: the benchmarks of docs/PERFORMANCE.md, each figure beside a limit measured in the same run.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <bench/benchmarks.hpp>

#include "files.hpp"
#include "program.hpp"

namespace lattice::app {

namespace {

struct BenchOptions {
  bench::Options measure;
  std::vector<std::string> only;
  std::string json, commit = "unknown";
};

using Rows = std::vector<bench::Row> (*)(const bench::Options&);
struct Benchmark {
  std::string_view id;
  Rows rows;
};
constexpr Benchmark benchmarks[] = {
    {"B1", bench::votes_rows},    {"B1a", bench::announcement_rows}, {"B2", bench::blocks_rows},  {"B5", bench::sync_rows},
    {"B6", bench::bulk_rows},     {"B7", bench::handshake_rows},     {"B8", bench::message_rows}, {"B9", bench::idle_rows},
    {"B10", bench::address_rows}, {"B12", bench::sim_rows}};

HostResult<void> run_bench(BenchOptions options) {
  std::error_code error;
  options.measure.program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  std::filesystem::create_directories(options.measure.folder, error);
  if (error)
    return failure("the folder " + options.measure.folder + " cannot be made", error.message(), "name another by --folder");
  std::vector<bench::Row> rows;
  for (const Benchmark& benchmark : benchmarks) {
    if (!options.only.empty() && std::ranges::find(options.only, benchmark.id) == options.only.end()) continue;
    std::ranges::move(benchmark.rows(options.measure), std::back_inserter(rows));
  }
  fmt::print("seed {}, commit {}\n{}", options.measure.seed, options.commit, bench::table(rows));
  if (options.json.empty()) return {};
  return write_file_atomically(options.json, bench::json(rows, options.commit, options.measure.seed));
}

}  // namespace

void add_bench(Program& program) {
  auto options = std::make_shared<BenchOptions>();
  std::error_code no_folder;  // of a machine without one: the other commands do not need it
  options->measure.folder = (std::filesystem::temp_directory_path(no_folder) / "lattice-bench").string();
  auto* command = program.app.add_subcommand("bench",
                                             "Measure propagation, sync, bulk transfer, handshakes, small messages and idle "
                                             "links, each against its limit in the same run");
  command
      ->add_option("--only", options->only,
                   "B1 votes, B1a announcements of nodes and B2 blocks to a simulated network, B5 sync, B6 bulk over one link, "
                   "B7 handshake, B8 small "
                   "messages, B9 idle links, B10 the address book, B12 the "
                   "simulator itself "
                   "(repeatable; all)")
      ->check(CLI::IsMember({"B1", "B1a", "B2", "B5", "B6", "B7", "B8", "B9", "B10", "B12"}));
  command->add_option("--runs", options->measure.runs, "Runs of B6, B7 and B8, messages of B1 and B1a")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--runs-large", options->measure.runs_large, "Interleaved runs of B5, blocks of B2")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--seed", options->measure.seed, "Of the chains and keys")
      ->check(number_in(0, 4294967295.0))
      ->capture_default_str();
  command->add_option("--folder", options->measure.folder, "For about 1.5 GB of chains that it makes")->capture_default_str();
  command->add_option("--json", options->json, "Write the figures to this file too");
  command->add_option("--commit", options->commit, "Named in the output");
  command->callback([&program, options] { program.action = [options] { return run_bench(*options); }; });
}

}  // namespace lattice::app
