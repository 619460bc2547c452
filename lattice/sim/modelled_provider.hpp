// Cryptography for large worlds: the interface, the sizes and the failures of the real one, no security at all. A secret and a
// signature are a fast keyed mix of what they are made from, so that whatever must not fit together does not: another key,
// another message, a flipped bit, a wrong nonce all fail as they would for real. Only a simulated adversary that does not look
// inside cannot break it.
//
// What each operation would have cost a processor is counted, from measured figures.
#pragma once

#include <memory>

#include <lattice/base/time.hpp>
#include <lattice/crypto/provider.hpp>

namespace lattice::sim {

// Medians on the benchmarks' machine with OpenSSL 3.5; `lattice bench` prints those of another (B7).
struct CryptoCosts {
  Duration dh = std::chrono::microseconds{35};
  Duration kem_key = std::chrono::microseconds{45}, encapsulate = std::chrono::microseconds{45},
           decapsulate = std::chrono::microseconds{60};
  Duration sign = std::chrono::microseconds{950}, verify = std::chrono::microseconds{180};
  Duration aead_message = std::chrono::nanoseconds{600};
  double aead_byte_ns = 0.27;
};

// One thread only, unlike the real one: a world has no other. What it made (keys, AEADs) counts here too and must not outlive it.
class ModelledProvider : public Provider {
 public:
  // What was spent since the last call; sign and verify are left out: they run on workers, and the world counts them itself.
  virtual Duration take_spent() = 0;
};
std::unique_ptr<ModelledProvider> modelled_provider(std::unique_ptr<Rng> rng, CryptoCosts costs = {});

}  // namespace lattice::sim
