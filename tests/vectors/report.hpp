// What came of a run of vectors: failures by name, skips by reason, and the closing line.
#pragma once

#include <cstddef>
#include <map>
#include <ostream>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

namespace lattice::vectors {

using Json = nlohmann::json;

class Report {
 public:
  explicit Report(std::ostream& out) : out_(out) {}

  void pass() { ++passed_; }
  // Printed at once: "FAIL name: why".
  void fail(const std::string& name, const std::string& why);
  // Printed by reason with print_skips.
  void skip(const std::string& name, const std::string& why);
  // Something that is no test went wrong: a file that cannot be read.
  void error(const std::string& what);

  void print_skips();
  // "N passed, N failed, N skipped".
  void print_total();

  size_t passed() const { return passed_; }
  size_t failed() const { return failed_; }
  size_t skipped() const { return skipped_; }
  // At least one test ran, and nothing failed.
  bool good() const { return passed_ > 0 && failed_ == 0 && errors_ == 0; }

 private:
  struct Skips {
    size_t count = 0;
    std::string first;
  };
  std::ostream& out_;
  size_t passed_ = 0, failed_ = 0, skipped_ = 0, errors_ = 0;
  std::map<std::string, Skips> skips_;
};

// Runs what a file holds.
using Runner = void (*)(const Json& file, Report& report);

// Reads the file and hands it to `run`; a file that is missing or no JSON is an error in the report.
void run_file(const std::string& path, Runner run, Report& report);
// The main function of the two programs: every argument is a file. Returns the exit code.
int run_files(std::span<char*> arguments, Runner run);

}  // namespace lattice::vectors
