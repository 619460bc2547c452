// Slow cryptography as a value that owns its keys: made by a Link, run on a worker, its result handed back.
#pragma once

#include <memory>
#include <variant>

#include <lattice/crypto/provider.hpp>

namespace lattice {

struct SignWork {
  std::shared_ptr<const SigningKey> key;
  Bytes context, message;
  Secret<32> entropy;
};
struct VerifyWork {
  SignAlg alg = SignAlg::mldsa65;
  Bytes public_key, context, message, signature;
};
using Work = std::variant<SignWork, VerifyWork>;

struct SignDone {
  Bytes signature;
};
struct VerifyDone {
  bool valid = false;
};
using WorkResult = std::variant<SignDone, VerifyDone>;

// Any thread.
WorkResult run_work(const Work& work, Provider& provider);

}  // namespace lattice
