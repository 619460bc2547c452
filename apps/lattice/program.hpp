// The program `lattice`: its subcommands, and what it says when something goes wrong.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <lattice/host/host_error.hpp>

namespace lattice::app {

// Exit codes, also in --help.
enum class Exit : int { ok = 0, failed = 1, usage = 2 };

int run_program(int argc, const char* const* argv);

// A subcommand's work. An error is printed as: what failed, why, what to do.
using Action = std::function<HostResult<void>()>;
// What the command line asks for; the chosen subcommand fills it in.
struct Program {
  CLI::App& app;
  Action action;
};

void add_node(Program& program);
void add_keygen(Program& program);
void add_import(Program& program);
void add_mkchain(Program& program);
void add_chain_spec(Program& program);
void add_seeds(Program& program);
void add_sim(Program& program);
void add_bench(Program& program);
void add_crawl(Program& program);
void add_bans(Program& program);

// A number in [least, most]. CLI11's own Range lets "nan" pass, and reads "-1" as 2^64-1 where the option is unsigned.
CLI::Validator number_in(double least, double most);
constexpr double seed_max = 9e18;  // of seeds and sequence numbers: well inside 64 bits

std::string_view version();
// $HOME/.lattice; ".lattice" where there is no home.
std::string default_data_folder();
inline std::unexpected<HostError> failure(std::string what, std::string why, std::string advice = {}) {
  return std::unexpected(HostError{std::move(what), std::move(why), std::move(advice)});
}
// For --help of everything that takes blocks.
extern const char* const not_checked_text;

}  // namespace lattice::app
