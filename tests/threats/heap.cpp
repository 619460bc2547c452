#include "heap.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace lattice::heap {
namespace {

// Before each block: where its memory begins, and whether it counts.
struct Head {
  void* memory;
  size_t counted_bytes;
};

thread_local bool counting = false;
thread_local size_t now_held = 0, most_held = 0, blocks = 0;

void* take(size_t bytes, size_t align) {
  align = std::max(align, alignof(std::max_align_t));
  const size_t room = sizeof(Head) + align;
  void* memory = std::malloc(bytes + room);
  if (memory == nullptr) std::abort();  // what the tests hold is bounded: this is no shortage, it is a fault
  void* block = static_cast<std::byte*>(memory) + sizeof(Head);
  size_t left = room + bytes - sizeof(Head);
  if (std::align(align, bytes, block, left) == nullptr) std::abort();
  Head* head = static_cast<Head*>(block) - 1;
  head->memory = memory;
  head->counted_bytes = 0;
  if (counting) {
    // What malloc would give for the bytes alone: 16 at least, in steps of 16, and 8 of its own.
    head->counted_bytes = std::max<size_t>(32, (bytes + 8 + 15) / 16 * 16);
    now_held += head->counted_bytes;
    most_held = std::max(most_held, now_held);
    ++blocks;
  }
  return block;
}

void give(void* block) {
  if (block == nullptr) return;
  Head* head = static_cast<Head*>(block) - 1;
  now_held -= head->counted_bytes;
  std::free(head->memory);
}

}  // namespace

Counted::Counted() : before_(counting) { counting = true; }
Counted::~Counted() { counting = before_; }
Uncounted::Uncounted() : before_(counting) { counting = false; }
Uncounted::~Uncounted() { counting = before_; }
size_t held() { return now_held; }
size_t peak() { return most_held; }
size_t taken() { return blocks; }
void reset_peak() { most_held = now_held; }

}  // namespace lattice::heap

using lattice::heap::give;
using lattice::heap::take;

void* operator new(size_t bytes) { return take(bytes, 0); }
void* operator new[](size_t bytes) { return take(bytes, 0); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return take(bytes, 0); }
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept { return take(bytes, 0); }
void* operator new(size_t bytes, std::align_val_t align) { return take(bytes, static_cast<size_t>(align)); }
void* operator new[](size_t bytes, std::align_val_t align) { return take(bytes, static_cast<size_t>(align)); }
void operator delete(void* block) noexcept { give(block); }
void operator delete[](void* block) noexcept { give(block); }
void operator delete(void* block, size_t) noexcept { give(block); }
void operator delete[](void* block, size_t) noexcept { give(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { give(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { give(block); }
void operator delete(void* block, std::align_val_t) noexcept { give(block); }
void operator delete[](void* block, std::align_val_t) noexcept { give(block); }
void operator delete(void* block, size_t, std::align_val_t) noexcept { give(block); }
void operator delete[](void* block, size_t, std::align_val_t) noexcept { give(block); }
