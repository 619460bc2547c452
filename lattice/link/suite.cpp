#include <lattice/link/suite.hpp>

#include <algorithm>

namespace lattice {

// Strongest first. 0x0021 and 0x0101 stand last: no live signature, and no X25519 static key.
static constexpr uint16_t by_strength[] = {0x0011, 0x0002, 0x0001, 0x0021, 0x0101};

std::string_view suite_name(Suite suite) {
  switch (suite) {
    case Suite::xxhfs_chacha: return "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_BLAKE2s";
  }
  return "unknown";
}

static bool holds(std::span<const uint16_t> ids, uint16_t id) { return std::ranges::find(ids, id) != ids.end(); }

std::optional<uint16_t> choose_suite(std::span<const uint16_t> initiator, std::span<const uint16_t> responder) {
  for (const uint16_t id : by_strength) {
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
