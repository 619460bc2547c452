// How long a naive model is compared with what it is a model of, in tests that take their time: LATTICE_MANY_OPERATIONS=1 for the million.
#pragma once

#include <cstdlib>

namespace lattice {

inline size_t model_operations() { return std::getenv("LATTICE_MANY_OPERATIONS") != nullptr ? 1'000'000 : 100'000; }

}  // namespace lattice
