// What happened in a run, as one hash: the same seed and commit give the same one. It takes in times, hosts, kinds and
// payloads; never an address of memory, a real clock or the order of a hash table.
#pragma once

#include <string>

#include <lattice/base/bytes.hpp>
#include <lattice/base/time.hpp>

namespace lattice::sim {

class Trace {
 public:
  void event(Instant at, uint32_t host, uint8_t kind, uint64_t subject, ByteView payload = {});
  // Of everything so far, in hexadecimal.
  std::string hash() const;

 private:
  void word(uint64_t value);

  // Two words mixed with each one that comes: a run is told from another by it, nobody is to be kept from making two alike.
  uint64_t a_ = 0x243f6a8885a308d3, b_ = 0x13198a2e03707344;
};

}  // namespace lattice::sim
