// Cookies that a responder gives out and need not remember: each is a keyed hash of what it was given for, under a key that
// changes every minute. Only those that have been used are kept, until their key goes.
#pragma once

#include <unordered_set>

#include <lattice/base/address.hpp>
#include <lattice/base/time.hpp>
#include <lattice/crypto/secret.hpp>
#include <lattice/link/retry.hpp>

namespace lattice {

class Cookies {
 public:
  static constexpr Duration epoch_time = std::chrono::seconds{60};
  static constexpr size_t used_max = 16'384;  // of one epoch: when so many were used, it ends early

  explicit Cookies(const Secret<32>& secret) : secret_(secret) {}

  // For the retry that is being made: number 8 || the first 24 bytes of keyed BLAKE2s(epoch key, number || address || port ||
  // H(hello1) || suite || difficulty || flags). No two have one number: hellos are alike, and a NAT gives the same port again.
  RetryCookie make(const Endpoint& remote, const Digest& hello_hash, const Retry& retry, Instant now);
  // Whether this retry was made here for this address and hello, in this epoch or the one before, and was not used yet.
  bool good(const Endpoint& remote, const Digest& hello_hash, const Retry& retry, Instant now);
  // Only after good() said yes of it.
  void use(const RetryCookie& cookie, Instant now);

  size_t used() const { return current_.used.size() + previous_.used.size(); }
  uint64_t epoch() const { return epoch_; }

 private:
  struct Epoch {
    Secret<32> key;
    std::unordered_set<uint64_t> used;  // numbers
  };
  void next_epoch(Instant now);
  void follow(Instant now);

  Secret<32> secret_;
  uint64_t epoch_ = 0;  // 0: none yet
  uint64_t next_number_ = 0;
  Instant began_{};
  Epoch current_, previous_;
};

}  // namespace lattice
