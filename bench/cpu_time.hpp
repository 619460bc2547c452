// CPU time of the calling thread: what a benchmark divides by, so that others on the machine do not count.
#pragma once

#include <cstdint>
#include <ctime>

namespace lattice::bench {

inline uint64_t thread_cpu_nanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

inline double thread_cpu_seconds() { return static_cast<double>(thread_cpu_nanoseconds()) * 1e-9; }

}  // namespace lattice::bench
