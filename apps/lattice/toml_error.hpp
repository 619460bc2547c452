// What is wrong with a TOML file, and where: "my.toml:3:8: ...". Line and column from 1; 0 where the file as a whole is meant.
#pragma once

#include <cstddef>
#include <string>

namespace lattice::app {

struct TomlError {
  std::string file;
  size_t line = 0, column = 0;
  std::string what;
  std::string text() const;
};

}  // namespace lattice::app
