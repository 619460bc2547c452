#include <lattice/crypto/cpu.hpp>

#include <charconv>
#include <cstdint>
#include <string_view>

#include <openssl/crypto.h>

namespace lattice {

// What OpenSSL itself has found and will use (OPENSSL_ia32cap(3)): "OPENSSL_ia32cap=0x...:..." or "OPENSSL_armcap=0x...".
bool cpu_has_aes() {
  const char* info = OPENSSL_info(OPENSSL_INFO_CPU_SETTINGS);
  const std::string_view text = info == nullptr ? "" : info;
  const auto word_after = [&](std::string_view name) {
    uint64_t word = 0;
    const auto at = text.find(name);
    if (at == std::string_view::npos) return word;
    std::from_chars(text.data() + at + name.size(), text.data() + text.size(), word, 16);
    return word;
  };
  constexpr uint64_t x86_pclmulqdq = uint64_t{1} << 33, x86_aes = uint64_t{1} << 57, arm_aes = uint64_t{1} << 2;
  const uint64_t x86 = word_after("OPENSSL_ia32cap=0x");
  return ((x86 & x86_aes) && (x86 & x86_pclmulqdq)) || (word_after("OPENSSL_armcap=0x") & arm_aes);
}

}  // namespace lattice
