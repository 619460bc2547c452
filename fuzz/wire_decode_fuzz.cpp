// Any bytes as one message: decode answers or refuses, and what it takes is written again and read again as the same.
#include <cstdlib>

#include <lattice/base/crc32c.hpp>
#include <lattice/wire/messages.hpp>
#include <lattice/wire/writer.hpp>

using namespace lattice;

static void decode_and_repeat(Bytes bytes) {
  const auto message = wire::decode(SharedBytes(std::move(bytes)));
  if (!message || std::holds_alternative<wire::Unknown>(*message)) return;
  wire::EncodedMessage encoded = wire::encode(*message, 1);
  append(encoded.head, encoded.body.view());
  const auto again = wire::decode(SharedBytes(std::move(encoded.head)));
  if (!again || *again != *message) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(data, size);
  decode_and_repeat(to_bytes(input));
  // With a right header, so that the payload's parser is reached: the first two bytes choose the command.
  if (size < 2) return 0;
  wire::Writer writer;
  writer.u16(1).u16(static_cast<uint16_t>(data[0] << 8 | data[1])).u32(static_cast<uint32_t>(size - 2));
  const uint32_t checksum = crc32c(input.subspan(2), crc32c(writer.view()));
  writer.u32(checksum).bytes(input.subspan(2));
  decode_and_repeat(writer.take());
  return 0;
}
