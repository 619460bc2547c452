#include <lattice/base/crc32c.hpp>

#include <array>
#include <cstring>

namespace lattice {

static constexpr uint32_t polynomial = 0x82f63b78;  // reflected

static constexpr std::array<uint32_t, 256> table = [] {
  std::array<uint32_t, 256> entries{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (polynomial & (0 - (value & 1)));
    entries[i] = value;
  }
  return entries;
}();

static uint32_t update_portable(uint32_t crc, ByteView bytes) {
  for (uint8_t byte : bytes) crc = table[(crc ^ byte) & 0xff] ^ (crc >> 8);
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t update_sse42(uint32_t crc, ByteView bytes) {
  uint64_t wide = crc;
  while (bytes.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    wide = __builtin_ia32_crc32di(wide, word);
    bytes = bytes.subspan(8);
  }
  return update_portable(static_cast<uint32_t>(wide), bytes);
}

static const auto update = __builtin_cpu_supports("sse4.2") ? update_sse42 : update_portable;
#else
static const auto update = update_portable;
#endif

uint32_t crc32c(ByteView bytes, uint32_t crc) { return ~update(~crc, bytes); }

}  // namespace lattice
