#include <lattice/base/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace lattice {

void assert_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "assertion failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace lattice
