// ASSERT: our own bug, never a peer's fault. On in every build.
#pragma once

namespace lattice {

[[noreturn]] void assert_failed(const char* condition, const char* file, int line);

}  // namespace lattice

#define ASSERT(condition) (static_cast<bool>(condition) ? void(0) : ::lattice::assert_failed(#condition, __FILE__, __LINE__))
