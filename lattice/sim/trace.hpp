// What happened in a run, as one hash: the same seed and commit give the same one. It takes in times, hosts, kinds and
// payloads; never an address of memory, a real clock or the order of a hash table.
#pragma once

#include <string>

#include <lattice/base/time.hpp>
#include <lattice/crypto/hash.hpp>

namespace lattice::sim {

class Trace {
 public:
  void event(Instant at, uint32_t host, uint8_t kind, uint64_t subject, ByteView payload = {});
  // Of everything so far, in hexadecimal.
  std::string hash() const;

 private:
  void number(uint64_t value, size_t bytes);
  void fold(ByteView payload);

  Digest state_{};
  Bytes buffer_;
};

}  // namespace lattice::sim
