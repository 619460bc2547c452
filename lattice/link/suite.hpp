// Cipher suites: what each is called, and which one two nodes choose.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <cstdint>

namespace lattice {

// docs/PROTOCOL.md, "Suites". The ids that this version can run.
enum class Suite : uint16_t {
  xxhfs_chacha = 0x0001,
};
std::string_view suite_name(Suite suite);  // "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_BLAKE2s"

using SuiteIds = std::vector<uint16_t>;  // as they travel: a peer may offer suites that we do not know

// The first suite that both lists hold, in the order of strength that this file's table says; never in the order of ids or of
// offers, so that neither side alone steers it. Empty where they share none that the table knows.
std::optional<uint16_t> choose_suite(std::span<const uint16_t> initiator, std::span<const uint16_t> responder);
// The ids of `offers` that `allowed` holds too, in the order of `offers`.
SuiteIds cut_suites(std::span<const uint16_t> offers, std::span<const uint16_t> allowed);

}  // namespace lattice
