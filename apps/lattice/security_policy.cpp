#include "security_policy.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <lattice/crypto/cpu.hpp>

namespace lattice::app {

std::string suite_text(Suite suite) { return fmt::format("0x{:04x}", id_of(suite)); }

std::string security_text(const SecurityPolicy& policy) {
  std::string out = "\n[security]\nsuites = [";
  for (size_t i = 0; i < policy.suites.size(); ++i)
    out += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", suite_text(policy.suites[i]));
  out += "]\n";
  for (const auto& [suite, height] : policy.retired) {
    out += fmt::format("[[security.retire]]\nsuite = \"{}\"\nheight = {}\n", suite_text(suite), height);
  }
  return out;
}

std::vector<Suite> suites_here(const SecurityPolicy& policy) {
  std::vector<Suite> offered = policy.suites;
  if (!cpu_has_aes() && offered.size() > 1) std::erase(offered, Suite::xxhfs_aesgcm);
  return offered;
}

std::vector<uint16_t> suites_of_key(const SecurityPolicy& policy, SignAlg alg) {
  std::vector<uint16_t> ids;
  for (const Suite suite : policy.suites) {
    if (traits_of(suite).sign == alg) ids.push_back(id_of(suite));
  }
  return ids;
}

}  // namespace lattice::app
