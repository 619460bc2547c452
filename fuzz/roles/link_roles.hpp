// Runs programs: sequences of what networks, peers, hosts and adversaries do to links of both roles, over several connections
// that share what their nodes remember. After each operation the oracle looks at all of it.
//
// Deterministic: a program is its bytes. But for TLS, whose randomness is always the system's.
#pragma once

#include <memory>

#include "oracle.hpp"

namespace lattice::roles {

enum class Cryptography : uint8_t { modelled, real };

constexpr size_t connections_max = 8;
constexpr size_t operations_max = 96;

class LinkRoles {
 public:
  explicit LinkRoles(Cryptography cryptography);

  // The rule that was broken, and where; nothing where all held.
  std::optional<std::string> run(ByteView program);
  const Counts& counts() const { return counts_; }

 private:
  struct Run;
  LinkRoles(Cryptography cryptography, std::unique_ptr<ProgramRng> rng);

  ProgramRng* rng_;  // the provider's
  std::unique_ptr<Provider> provider_;
  Network network_;
  Counts counts_;
};

// Programs to begin with: in each suite a handshake, messages, a resumption, an hour for the ratchet; a retry, a key from outside.
std::vector<Bytes> seed_programs();
// One of them, or none, changed and continued at random.
Bytes random_program(uint64_t seed);

// For a fuzzer's entry: runs it, and aborts with a word where it finds something.
void run_or_abort(LinkRoles& roles, ByteView program);

}  // namespace lattice::roles
