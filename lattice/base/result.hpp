// Result<T>: a value, or what was wrong with what came from outside.
#pragma once

#include <expected>

#include <lattice/base/error.hpp>

namespace lattice {

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, const char* where) { return std::unexpected(Error{code, where}); }

}  // namespace lattice

// TRY(name, expression): name is the value, or this function returns the error.
#define LATTICE_JOIN_(a, b) a##b
#define LATTICE_JOIN(a, b) LATTICE_JOIN_(a, b)
#define TRY(name, ...)                                                                             \
  auto LATTICE_JOIN(try_, __LINE__) = (__VA_ARGS__);                                               \
  if (!LATTICE_JOIN(try_, __LINE__)) return std::unexpected(LATTICE_JOIN(try_, __LINE__).error()); \
  auto name = std::move(*LATTICE_JOIN(try_, __LINE__))
// TRY_VOID(expression): for Result<void>.
#define TRY_VOID(...) \
  if (auto try_void = (__VA_ARGS__); !try_void) return std::unexpected(try_void.error())
