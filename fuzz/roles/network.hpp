// The nodes of a program: three honest ones and one that may show another's certificate; their keys, policies, memories, and the
// source of keys from outside. Names are numbers.
#pragma once

#include <map>
#include <memory>
#include <tuple>

#include <lattice/link/admission.hpp>
#include <lattice/link/config.hpp>
#include <lattice/link/peer_memory.hpp>
#include <lattice/link/work.hpp>

#include "program.hpp"

namespace lattice::roles {

constexpr size_t honest_nodes = 3;
constexpr size_t node_count = honest_nodes + 1;
constexpr int64_t wall_start = 1'750'000'000;

// A generator that begins anew with each program, so that a program alone decides what happens.
class ProgramRng final : public Rng {
 public:
  void begin(uint64_t seed) { inner_ = SeededRng(seed); }
  void fill(ByteSpan out) override { inner_.fill(out); }
  SeededRng& inner() { return inner_; }

 private:
  SeededRng inner_{1};
};

// How the fourth node lies: with another's certificate, and one of the other's keys at most. `changed_certificate`: the static key,
// and its own KEM key in the certificate, under a signature that is therefore none.
enum class Mask : uint8_t { honest, certificate, static_key, signing_key, kem_key, changed_certificate };
constexpr uint8_t mask_count = 6;

struct Node {
  std::vector<Suite> suites;
  size_t variant = 0;   // of the certificate: which suites it allows
  uint64_t serial = 1;  // of the certificate
  bool has87 = true;
  bool remembers = true, resumes = true;
  OutsideKeys outside_keys = OutsideKeys::off;
  std::optional<Admission> admission;
  PeerMemory memory;
  // The oracle's own record.
  std::map<NodeId, uint64_t> serials, revoked_since;  // the highest serial proven; the step in which it was revoked
  uint64_t forgotten = 0;                             // how often
};

// Made once; the identities stay from program to program.
class Network {
 public:
  Network(Provider& provider, ProgramRng& rng) : provider_(&provider), rng_(&rng) {}

  // A new program: all of what nodes know is gone.
  void begin(Program& program);
  void choose_policy(Node& node, uint8_t policy, Program& program);

  Node& node(size_t index) { return nodes_[index]; }
  std::shared_ptr<const Identity> identity(size_t node, SignAlg alg);
  LinkConfig config(size_t node, Role role);
  Endpoint endpoint(size_t node, size_t connection) const;  // each connection has a port of its own
  // Whose it is; nothing where nobody has it.
  std::optional<size_t> owner(const NodeId& id);
  bool lies(size_t node) const { return node == honest_nodes && mask_ != Mask::honest; }
  Mask mask() const { return mask_; }
  size_t victim() const { return victim_; }

  OutsideKeyDone outside_key(const OutsideKeyWork& work);
  void set_key_server(bool answers) { key_server_ = answers; }

 private:
  using IdentityKey = std::tuple<size_t, SignAlg, size_t, uint64_t>;
  const std::shared_ptr<const Identity>& cached(size_t node, SignAlg alg, size_t variant, uint64_t serial);
  std::shared_ptr<const Identity> masked(SignAlg alg);

  Provider* provider_;
  ProgramRng* rng_;
  Node nodes_[node_count];
  Mask mask_ = Mask::honest;
  size_t victim_ = 0;
  std::map<IdentityKey, std::shared_ptr<const Identity>> identities_;
  std::map<NodeId, size_t> owners_;
  bool key_server_ = true;
  std::map<KeyId, Secret<32>> keys_;
  uint64_t keys_made_ = 0;
};

}  // namespace lattice::roles
