// What the world refused us, told to a person: what failed, why, and what to do about it.
#pragma once

#include <expected>
#include <string>

namespace lattice {

struct HostError {
  std::string what;    // "the store in /data/blocks could not be opened"
  std::string why;     // "another process holds its lock"
  std::string advice;  // "stop the other node or give another --data"

  // "what: why; advice".
  std::string text() const { return what + ": " + why + (advice.empty() ? "" : "; " + advice); }
};

template <class T>
using HostResult = std::expected<T, HostError>;

}  // namespace lattice
