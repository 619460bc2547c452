// ASSERT: our own bug, never a peer's fault. On in every build.
#pragma once

namespace lattice {

[[noreturn]] void assert_failed(const char* condition, const char* file, int line);
// What a failing assertion of this thread says beside its place: how to come there again. The text must outlive it.
void set_assert_note(const char* note);

}  // namespace lattice

#define ASSERT(condition) (static_cast<bool>(condition) ? void(0) : ::lattice::assert_failed(#condition, __FILE__, __LINE__))
