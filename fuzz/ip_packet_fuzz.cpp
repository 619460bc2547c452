// The delay proxy reads whatever a kernel or a program with a raw socket writes: headers are read inside their packet or not at all.
#include <lattice/base/assert.hpp>

#include "../tools/delay_proxy/packet.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const lattice::ByteView packet(data, size);
  if (const auto read = lattice::delay_proxy::parse_packet(packet)) {
    ASSERT(read->header_bytes >= 20 && read->header_bytes <= size);
    ASSERT(read->from.is_v4() == read->to.is_v4() || packet[0] >> 4 == 6);
  }
  return 0;
}
