// B5, first form: one fresh node syncs from one peer on loopback, real processes, handshake, AEAD, hash checks and RocksDB on,
// against `lattice import` of the same blocks alone. Runs are interleaved: import, sync, import, sync.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include <bench/benchmarks.hpp>
#include <bench/process.hpp>
#include <lattice/base/assert.hpp>

namespace lattice::bench {
namespace {

namespace fs = std::filesystem;
constexpr double seconds_max = 300;
constexpr const char* chain = "bitcoin-regtest";

struct Work {
  const char* name;
  unsigned blocks, block_bytes, txs;
  bool in_megabytes;  // else blocks a second
  double goal;
};

double figure(const fs::path& report, const Work& work) {
  const auto json = nlohmann::json::parse(std::ifstream(report));
  return work.in_megabytes ? json.at("bytes_per_second").get<double>() / 1e6 : json.at("blocks_per_second").get<double>();
}

Row measure(const Options& options, const Work& work) {
  const fs::path folder = fs::path(options.folder) / work.name;
  fs::remove_all(folder);
  fs::create_directories(folder);
  const auto path = [&](const char* name) { return (folder / name).string(); };
  const std::string log = path("log"), file = path("chain.dat"), seed = path("seed");
  run_or_stop({options.program, "mkchain", "--rules", "regtest", "--blocks", std::to_string(work.blocks), "--block-bytes",
               std::to_string(work.block_bytes), "--txs", std::to_string(work.txs), "--seed", std::to_string(options.seed),
               "--out", file},
              log, seconds_max);
  run_or_stop({options.program, "import", file, "--chain", chain, "--data", seed}, log, seconds_max);
  const unsigned port = free_port();
  Process server(
      {options.program, "node", "--chain", chain, "--data", seed, "--listen", fmt::format("127.0.0.2:{}", port), "--no-dns"},
      path("seed.log"));
  ASSERT(wait_for_port("127.0.0.2", port, 30));

  Row row{.id = "B5",
          .what = work.name,
          .unit = work.in_megabytes ? "MB/s" : "blocks/s",
          .limit_name = "import of the same blocks alone",
          .goal_ratio = 0.5,
          .goal_value = work.goal};
  const std::string import_report = path("import.json"), sync_report = path("sync.json");
  for (int run = 0; run < options.runs_large; ++run) {
    fs::remove_all(folder / "fresh");
    run_or_stop({options.program, "import", file, "--chain", chain, "--data", path("fresh"), "--report", import_report}, log,
                seconds_max);
    row.limits.push_back(figure(import_report, work));
    fs::remove_all(folder / "fresh");
    run_or_stop(
        {options.program, "node", "--chain", chain, "--data", path("fresh"), "--no-listen", "--connect-only", "--connect",
         fmt::format("127.0.0.2:{}", port), "--until-synced", "--report", sync_report, "--log-level", "warning"},
        log, seconds_max);
    row.values.push_back(figure(sync_report, work));
  }
  return row;
}

}  // namespace

std::vector<Row> sync_rows(const Options& options) {
  return {measure(options, {"3000-blocks-10KB", 3000, 10'000, 8, false, 1700}),
          measure(options, {"300-blocks-940KB", 300, 940'000, 100, true, 100})};
}

}  // namespace lattice::bench
