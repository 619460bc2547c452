#include <lattice/base/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace lattice {

static thread_local const char* assert_note = "";

void set_assert_note(const char* note) { assert_note = note; }

void assert_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "assertion failed: %s at %s:%d %s\n", condition, file, line, assert_note);
  std::abort();
}

}  // namespace lattice
