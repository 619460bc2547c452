// The program as it is called, in this process: what it printed, and its exit code.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../../../apps/lattice/program.hpp"

namespace lattice::app::test {

struct Called {
  int code = 0;
  std::string out, err;
};

inline Called call(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{"lattice"};
  for (const auto& argument : arguments) argv.push_back(argument.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run_program(static_cast<int>(argv.size()), argv.data());
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

}  // namespace lattice::app::test
