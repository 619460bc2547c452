// CRC-32C (Castagnoli, RFC 3720 B.4): catches our own mistakes in framing; the AEAD catches everybody else's.
#pragma once

#include <cstdint>

#include <lattice/base/bytes.hpp>

namespace lattice {

// `crc` continues an earlier call's result.
uint32_t crc32c(ByteView bytes, uint32_t crc = 0);

}  // namespace lattice
