// Slow work of a link as a value that owns its keys: made by a Link, run elsewhere, its result handed back.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include <lattice/base/ids.hpp>
#include <lattice/crypto/provider.hpp>
#include <lattice/link/outside_key.hpp>
#include <lattice/link/retry.hpp>

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
// A responder under load asks for it; `difficulty` is at most puzzle_difficulty_max.
struct PuzzleWork {
  RetryCookie cookie{};
  uint8_t difficulty = 0;
  PuzzleSolution start{};
};
// A key from outside: without `id` a fresh one to share with `peer`; with it, the one that `peer` has named. Whoever runs
// links asks its key source, which may take its time: never on the workers of signatures.
struct OutsideKeyWork {
  NodeId peer;
  std::optional<KeyId> id;
};
using Work = std::variant<SignWork, VerifyWork, PuzzleWork, OutsideKeyWork>;

struct SignDone {
  Bytes signature;
};
struct VerifyDone {
  bool valid = false;
};
struct PuzzleDone {
  PuzzleSolution solution{};
};
// Empty: unknown, used up, refused, no answer: alike.
struct OutsideKeyDone {
  std::optional<OutsideKey> key;
};
using WorkResult = std::variant<SignDone, VerifyDone, PuzzleDone, OutsideKeyDone>;

// Any thread. OutsideKeyWork gets an empty answer: here is no key source.
WorkResult run_work(const Work& work, Provider& provider);

}  // namespace lattice
