// Buffers for what holds a secret for a while: what they give back to the heap is overwritten first, also where they grow.
#pragma once

#include <memory>
#include <vector>

#include <lattice/crypto/secret.hpp>

namespace lattice {

template <class T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <class Other>
  WipingAllocator(const WipingAllocator<Other>&) noexcept {}

  T* allocate(size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* at, size_t count) noexcept {
    wipe({reinterpret_cast<uint8_t*>(at), count * sizeof(T)});
    std::allocator<T>().deallocate(at, count);
  }
  bool operator==(const WipingAllocator&) const = default;
};

using WipedBytes = std::vector<uint8_t, WipingAllocator<uint8_t>>;

}  // namespace lattice
