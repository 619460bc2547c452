#include "report.hpp"

#include <fstream>
#include <iostream>
#include <optional>

namespace lattice::vectors {

void Report::fail(const std::string& name, const std::string& why) {
  ++failed_;
  out_ << "FAIL " << name << ": " << why << "\n";
}

void Report::skip(const std::string& name, const std::string& why) {
  ++skipped_;
  Skips& skips = skips_[why];
  if (skips.count++ == 0) skips.first = name;
}

void Report::error(const std::string& what) {
  ++errors_;
  out_ << "ERROR " << what << "\n";
}

void Report::print_skips() {
  for (const auto& [why, skips] : skips_)
    out_ << "skipped " << skips.count << ": " << why << " (first: " << skips.first << ")\n";
}

void Report::print_total() { out_ << passed_ << " passed, " << failed_ << " failed, " << skipped_ << " skipped" << std::endl; }

// Empty where the file cannot be read; a folder opens, and then fails to read.
static std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text, chunk(1 << 20, 0);
  while (file) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    text.append(chunk, 0, static_cast<size_t>(file.gcount()));
  }
  if (!file.eof()) return std::nullopt;
  return text;
}

void run_file(const std::string& path, Runner run, Report& report) {
  const auto text = read_file(path);
  if (!text) return report.error(path + ": cannot be read");
  const Json json = Json::parse(*text, nullptr, false);
  if (json.is_discarded()) return report.error(path + ": not JSON");
  const size_t before = report.passed() + report.failed() + report.skipped();
  run(json, report);
  if (report.passed() + report.failed() + report.skipped() == before) report.error(path + ": holds no tests of a known format");
}

int run_files(std::span<char*> arguments, Runner run) {
  Report report(std::cout);
  if (arguments.size() < 2) report.error(std::string("usage: ") + arguments[0] + " FILE...");
  for (const char* path : arguments.subspan(1)) run_file(path, run, report);
  report.print_skips();
  if (report.passed() + report.failed() == 0) report.error("no test was run");
  report.print_total();
  return report.good() ? 0 : 1;
}

}  // namespace lattice::vectors
