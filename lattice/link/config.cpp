#include <lattice/link/config.hpp>

#include <algorithm>

#include <lattice/link/peer_memory.hpp>

namespace lattice {

const Identity* identity_for(const LinkConfig& config, Suite suite) {
  return (traits_of(suite).sign == SignAlg::mldsa87 ? config.identity87 : config.identity).get();
}

// A NodeID does not say of what kind its keys are. The certificate does, where it is remembered; else it is the usual kind,
// unless that is none of ours.
static std::optional<SignAlg> expected_kind(const LinkConfig& config) {
  if (!config.expected || !config.identity || !config.identity87) return std::nullopt;
  const Bytes* body = config.memory ? config.memory->certificate_of(*config.expected) : nullptr;
  const auto certificate = body ? decode_certificate(*body) : fail(ErrorCode::bad_certificate, "none");
  return certificate ? certificate->sign_alg : SignAlg::mldsa65;
}

SuiteIds offers_of(const LinkConfig& config) {
  const auto kind = expected_kind(config);
  SuiteIds offers;
  for (const Suite suite : config.suites) {
    const Identity* identity = identity_for(config, suite);
    if (identity == nullptr || (kind && *kind != traits_of(suite).sign)) continue;
    if (config.outside_keys == OutsideKeys::require && traits_of(suite).outside.empty()) continue;
    if (std::ranges::count(identity->certificate.allowed_suites, id_of(suite)) == 0) continue;
    offers.push_back(id_of(suite));
  }
  return offers;
}

}  // namespace lattice
