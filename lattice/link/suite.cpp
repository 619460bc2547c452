#include <lattice/link/suite.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>

namespace lattice {

// Strongest first. 0x0021 and 0x0101 stand last: the one without a live signature, the other without an X25519 static key.
static constexpr SuiteTraits by_strength[] = {
    {Suite::xxhfs1024_chacha, "Noise_XXhfs_25519+MLKEM1024_ChaChaPoly_BLAKE2s",
     "Noise_NNhfs+psk0_25519+MLKEM1024_ChaChaPoly_BLAKE2s", "Noise_XXhfs+psk3_25519+MLKEM1024_ChaChaPoly_BLAKE2s",
     SignAlg::mldsa87, KemAlg::mlkem1024, true},
    {Suite::xxhfs_aesgcm, "Noise_XXhfs_25519+MLKEM768_AESGCM_BLAKE2s", "Noise_NNhfs+psk0_25519+MLKEM768_AESGCM_BLAKE2s",
     "Noise_XXhfs+psk3_25519+MLKEM768_AESGCM_BLAKE2s", SignAlg::mldsa65, KemAlg::mlkem768, true},
    {Suite::xxhfs_chacha, "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_BLAKE2s", "Noise_NNhfs+psk0_25519+MLKEM768_ChaChaPoly_BLAKE2s",
     "Noise_XXhfs+psk3_25519+MLKEM768_ChaChaPoly_BLAKE2s", SignAlg::mldsa65, KemAlg::mlkem768, true},
    {Suite::xxhfskem_chacha, "Noise_XXhfskem_25519+MLKEM768_ChaChaPoly_BLAKE2s",
     "Noise_NNhfs+psk0_25519+MLKEM768_ChaChaPoly_BLAKE2s", "", SignAlg::mldsa65, KemAlg::mlkem768, false},
    {Suite::tls13, "TLS1.3_X25519MLKEM768", "", "", SignAlg::mldsa65, KemAlg::mlkem768, true},
};

const SuiteTraits* find_suite(uint16_t id) {
  const auto* found = std::ranges::find_if(by_strength, [&](const SuiteTraits& row) { return id_of(row.suite) == id; });
  return found == std::end(by_strength) ? nullptr : found;
}

const SuiteTraits& traits_of(Suite suite) {
  const SuiteTraits* found = find_suite(id_of(suite));
  ASSERT(found != nullptr);
  return *found;
}

static bool holds(std::span<const uint16_t> ids, uint16_t id) { return std::ranges::find(ids, id) != ids.end(); }

std::optional<uint16_t> choose_suite(std::span<const uint16_t> initiator, std::span<const uint16_t> responder) {
  for (const SuiteTraits& row : by_strength) {
    const uint16_t id = id_of(row.suite);
    if (holds(initiator, id) && holds(responder, id)) return id;
  }
  return std::nullopt;
}

SuiteIds cut_suites(std::span<const uint16_t> offers, std::span<const uint16_t> allowed) {
  SuiteIds cut;
  for (const uint16_t id : offers) {
    if (holds(allowed, id)) cut.push_back(id);
  }
  return cut;
}

}  // namespace lattice
