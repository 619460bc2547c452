// Two nodes with every key and suite, that remember each other: for tests of what must hold in all suites.
#pragma once

#include <lattice/link/peer_memory.hpp>

#include "link_pair.hpp"

namespace lattice::test {

inline constexpr Suite every_suite[] = {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm, Suite::xxhfs1024_chacha,
                                        Suite::xxhfskem_chacha, Suite::tls13};
inline constexpr Suite noise_suites[] = {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm, Suite::xxhfs1024_chacha,
                                         Suite::xxhfskem_chacha};

inline std::shared_ptr<const Identity> all_suites(Provider& provider, uint8_t seed, SignAlg alg, uint64_t serial = 1) {
  IdentityOptions options;
  options.sign_alg = alg;
  options.allowed_suites = alg == SignAlg::mldsa87 ? SuiteIds{0x0011} : SuiteIds{1, 2, 0x0021, 0x0101};
  options.serial = serial;
  options.not_before = wall_from_unix(wall_start - 1000);
  options.not_after = wall_from_unix(wall_start + 1'000'000);
  return identity(provider, seed, &options);
}

// Two nodes that have every key and remember each other.
struct Nodes : LinkPair {
  PeerMemory initiator_memory, responder_memory;
  size_t signatures = 0, verifications = 0;
  std::vector<size_t> sizes;

  explicit Nodes(std::vector<Suite> suites) : Nodes(suites, suites) {}
  Nodes(std::vector<Suite> initiators, std::vector<Suite> responders) {
    initiator_config.suites = std::move(initiators);
    responder_config.suites = std::move(responders);
    initiator_config.identity = all_suites(*provider, 11, SignAlg::mldsa65);
    initiator_config.identity87 = all_suites(*provider, 11, SignAlg::mldsa87);
    responder_config.identity = all_suites(*provider, 22, SignAlg::mldsa65);
    responder_config.identity87 = all_suites(*provider, 22, SignAlg::mldsa87);
    initiator_config.memory = &initiator_memory;
    responder_config.memory = &responder_memory;
    initiator_config.resumes = responder_config.resumes = false;
    worker = [this](const Work& work) {
      signatures += std::holds_alternative<SignWork>(work);
      verifications += std::holds_alternative<VerifyWork>(work);
      return run_work(work, *provider);
    };
    tamper = [this](Role, Bytes& bytes) { sizes.push_back(bytes.size()); };
  }
  void count_again() {
    signatures = verifications = 0;
    sizes.clear();
  }
  Suite agreed() { return both_established() ? established(Role::responder)->suite : Suite{}; }
};

struct WithKeys : Nodes {
  Secret<32> shared;
  KeyId named{0x42};
  bool lost = false;
  size_t fetched = 0;

  explicit WithKeys(Suite suite) : Nodes({suite}) {
    shared.span()[0] = 1;
    initiator_config.outside_keys = OutsideKeys::require;
    responder_config.outside_keys = OutsideKeys::accept;
    worker = [this](const Work& work) -> WorkResult {
      const auto* fetch = std::get_if<OutsideKeyWork>(&work);
      if (fetch == nullptr) return run_work(work, *provider);
      ++fetched;
      if (lost && fetch->id) return OutsideKeyDone{};
      return OutsideKeyDone{OutsideKey{fetch->id.value_or(named), shared}};
    };
  }
};

struct Again : Nodes {
  explicit Again(std::vector<Suite> suites) : Nodes(suites) { meet(); }
  void meet() {
    initiator_config.resumes = responder_config.resumes = true;
    handshake();
    initiator_config.expected = established(Role::initiator)->peer;
    count_again();
  }
  bool resumed() {
    return both_established() && established(Role::initiator)->resumed && established(Role::responder)->resumed;
  }
};

inline Role other(Role role) { return role == Role::initiator ? Role::responder : Role::initiator; }

// The identity that this side shows in a suite.
inline std::shared_ptr<const Identity>& shown(LinkPair& pair, Role role, Suite suite) {
  LinkConfig& config = role == Role::initiator ? pair.initiator_config : pair.responder_config;
  return traits_of(suite).sign == SignAlg::mldsa87 ? config.identity87 : config.identity;
}

// Every key and suite, but another node than the two: for whom it is said to be.
inline std::shared_ptr<Identity> stranger(Provider& provider, Suite suite, uint8_t seed = 44) {
  return copy_of(all_suites(provider, seed, traits_of(suite).sign));
}

// After its certificate was changed: body, NodeID and signature follow.
inline void certify_again(Identity& identity) {
  identity.body = encode_certificate(identity.certificate);
  identity.id = node_id_of(identity.certificate);
  identity.self_signature = identity.signing->sign(as_bytes(certificate_context), identity.body, Secret<32>{});
}

}  // namespace lattice::test
