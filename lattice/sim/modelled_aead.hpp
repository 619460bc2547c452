// The modelled AEAD: text under a stream of words that grows by a constant, and a tag over text, associated data and nonce.
#pragma once

#include <lattice/crypto/provider.hpp>
#include <lattice/sim/modelled_provider.hpp>

namespace lattice::sim {

// What operations cost so far, in 1/1024 ns: an integer, so that every build adds up to the same.
struct CostMeter {
  static constexpr int64_t units_per_ns = 1024;
  int64_t units = 0;
  int64_t aead_message = 0, aead_byte = 0;

  explicit CostMeter(const CryptoCosts& costs)
      : aead_message(costs.aead_message.count() * units_per_ns),
        aead_byte(static_cast<int64_t>(costs.aead_byte_ns * static_cast<double>(units_per_ns))) {}
  void charge(Duration cost) { units += cost.count() * units_per_ns; }
  void charge_message(size_t bytes) { units += aead_message + aead_byte * static_cast<int64_t>(bytes); }
};

class ModelledAead final : public Aead {
 public:
  ModelledAead(AeadAlg alg, const Secret<32>& key, CostMeter& meter);
  void seal(uint64_t nonce, ByteView ad, ByteView text, ByteSpan out) override;
  bool open(uint64_t nonce, ByteView ad, ByteView sealed, ByteSpan out) override;

 private:
  CostMeter& meter_;  // the provider's
  uint64_t key_[4];
};

}  // namespace lattice::sim
