#include "program.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include <fmt/format.h>

namespace lattice::app {

const char* const not_checked_text =
    "Bitcoin chains: headers (proof of work, difficulty, time, work) and blocks (Merkle root, witness\n"
    "commitment, sizes, form) are checked. Scripts, signatures and amounts are NOT checked: this follows the\n"
    "chain with the most work, it does not replace a validating wallet or node.";

std::string_view version() { return LATTICE_VERSION; }

std::string default_data_folder() {
  const char* home = std::getenv("HOME");
  return home && *home ? std::string(home) + "/.lattice" : ".lattice";
}

CLI::Validator number_in(double least, double most) {
  return {[=](std::string& text) {
            char* end = nullptr;
            const double value = std::strtod(text.c_str(), &end);
            const bool good = !text.empty() && *end == '\0' && value >= least && value <= most;
            return good ? std::string() : fmt::format("{} is no number from {} to {}", text, least, most);
          },
          fmt::format("[{} - {}]", least, most)};
}

static void print_error(const HostError& error) {
  std::string text = "lattice: " + error.what + ": " + error.why + "\n";
  if (!error.advice.empty()) text += "  " + error.advice + "\n";
  std::fputs(text.c_str(), stderr);  // fmt::print would throw where that cannot be written
}

// What the libraries throw (no memory, no descriptor for a thread or a socket) ends the program with a reason as well.
static HostResult<void> act(const Program& program) {
  try {
    return program.action();
  } catch (const std::exception& error) {
    return failure("the program had to stop", error.what(), "check the machine's memory, disk and limit of open files");
  }
}

int run_program(int argc, const char* const* argv) {
  CLI::App app{"Lattice: a quantum-safe peer-to-peer network for blockchains", "lattice"};
  app.set_version_flag("--version", "lattice " + std::string(version()));
  app.require_subcommand(1);
  app.footer(
      "\nExit codes: 0 done, 1 failed (the reason is on standard error), 2 wrong usage.\n"
      "`lattice SUBCOMMAND --help` lists the options of each.");
  // Who reads our output may go; a node goes on.
  std::signal(SIGPIPE, SIG_IGN);
  Program program{app, {}};
  for (const auto add :
       {add_node, add_keygen, add_import, add_mkchain, add_chain_spec, add_seeds, add_crawl, add_bans, add_sim, add_bench})
    add(program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version end here too, with zero.
    return app.exit(error) == 0 ? static_cast<int>(Exit::ok) : static_cast<int>(Exit::usage);
  }
  auto result = act(program);
  // Who reads our output may go; a disk that does not take it is another thing.
  if (std::fflush(stdout) != 0 && errno != EPIPE && result) {
    result = failure("the output could not be written", std::strerror(errno), "check where standard output goes");
  }
  if (result) return static_cast<int>(Exit::ok);
  print_error(result.error());
  return static_cast<int>(Exit::failed);
}

}  // namespace lattice::app
