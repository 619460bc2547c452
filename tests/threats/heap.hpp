// What a part of the program holds on the heap, to the byte: this program's operator new marks each block with who took it.
//
//   { heap::Counted counted; node.on_bytes(...); }   // what is taken in here counts, whoever frees it and wherever
//   heap::held();
//
// OpenSSL takes its memory elsewhere and is not counted. One thread.
#pragma once

#include <cstddef>

namespace lattice::heap {

class Counted {
 public:
  Counted();
  ~Counted();
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  bool before_;
};

// Takes the mark off again inside a Counted.
class Uncounted {
 public:
  Uncounted();
  ~Uncounted();
  Uncounted(const Uncounted&) = delete;
  Uncounted& operator=(const Uncounted&) = delete;

 private:
  bool before_;
};

size_t held();   // bytes now, as malloc rounds them
size_t peak();   // most since reset_peak
size_t taken();  // blocks ever taken
void reset_peak();

}  // namespace lattice::heap
