// Where the tests' files are: our own beside the tests, the shared ones in LATTICE_VECTORS or beside the source tree.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace lattice::vectors {

inline std::string own_file(const std::string& name) { return LATTICE_SOURCE_DIR "/tests/vectors/data/" + name; }

inline std::string shared_file(const std::string& name) {
  const char* folder = std::getenv("LATTICE_VECTORS");
  const std::filesystem::path root = folder ? folder : LATTICE_SOURCE_DIR "/../shared/vectors";
  return (root / name).string();
}

// For a test of its own about a shared file: leaves the test where it is missing.
#define SKIP_WITHOUT(path) \
  if (!std::filesystem::exists(path)) GTEST_SKIP() << (path) << " is not there: set LATTICE_VECTORS to the folder of vectors"

}  // namespace lattice::vectors
