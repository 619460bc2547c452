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

// The instruction gives a result each cycle but needs three for it: three runs beside each other keep it busy. Their sums are
// joined by what so many zero bytes behind a run make of its sum: linear in its bits, so four tables of its bytes are enough.
static constexpr size_t run_bytes = 256;

using ZerosTable = std::array<std::array<uint32_t, 256>, 4>;
static constexpr ZerosTable run_of_zeros = [] {
  std::array<uint32_t, 32> of_bit{};
  for (size_t bit = 0; bit < 32; ++bit) {
    uint32_t value = uint32_t{1} << bit;
    for (size_t i = 0; i < run_bytes; ++i) value = table[value & 0xff] ^ (value >> 8);
    of_bit[bit] = value;
  }
  ZerosTable zeros{};
  for (size_t byte = 0; byte < 4; ++byte) {
    for (size_t value = 0; value < 256; ++value) {
      for (size_t bit = 0; bit < 8; ++bit) zeros[byte][value] ^= value >> bit & 1 ? of_bit[8 * byte + bit] : 0;
    }
  }
  return zeros;
}();

static uint32_t behind_it_a_run(uint32_t crc) {
  return run_of_zeros[0][crc & 0xff] ^ run_of_zeros[1][crc >> 8 & 0xff] ^ run_of_zeros[2][crc >> 16 & 0xff] ^
         run_of_zeros[3][crc >> 24];
}

static uint64_t word_at(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) static uint32_t update_three_runs(uint32_t crc, const uint8_t* bytes) {
  uint64_t first = crc, second = 0, third = 0;
  for (size_t i = 0; i < run_bytes; i += 8) {
    first = __builtin_ia32_crc32di(first, word_at(bytes + i));
    second = __builtin_ia32_crc32di(second, word_at(bytes + run_bytes + i));
    third = __builtin_ia32_crc32di(third, word_at(bytes + 2 * run_bytes + i));
  }
  const uint32_t two = behind_it_a_run(static_cast<uint32_t>(first)) ^ static_cast<uint32_t>(second);
  return behind_it_a_run(two) ^ static_cast<uint32_t>(third);
}

__attribute__((target("sse4.2"))) static uint32_t update_sse42(uint32_t crc, ByteView bytes) {
  for (; bytes.size() >= 3 * run_bytes; bytes = bytes.subspan(3 * run_bytes)) crc = update_three_runs(crc, bytes.data());
  uint64_t wide = crc;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) wide = __builtin_ia32_crc32di(wide, word_at(bytes.data()));
  return update_portable(static_cast<uint32_t>(wide), bytes);
}

static const auto update = __builtin_cpu_supports("sse4.2") ? update_sse42 : update_portable;
#else
static const auto update = update_portable;
#endif

uint32_t crc32c(ByteView bytes, uint32_t crc) { return ~update(~crc, bytes); }

}  // namespace lattice
