// Any bytes as a certificate, a payload of messages 2 and 3, a hello, a NodeID in text: one form for each value.
#include <cstdlib>

#include <lattice/link/hello.hpp>
#include <lattice/link/payload.hpp>

using namespace lattice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(data, size);
  if (const auto certificate = decode_certificate(input)) {
    if (encode_certificate(*certificate) != to_bytes(input)) std::abort();
    (void)node_id_of(*certificate);
  }
  if (const auto payload = read_payload(input, traits_of(Suite::xxhfs_chacha))) {
    (void)decode_certificate(payload->certificate);
    (void)read_offers_extension(payload->extensions);
  }
  (void)read_offers_extension(input.first(std::min(size, limits::extensions_bytes_max)));
  wire::Reader reader(input);
  if (size >= 4) {
    const auto hello = read_hello(reader, {data[0], data[1], data[2], data[3]});
    if (hello && encode_hello(*hello) != to_bytes(input.first(size - reader.remaining()))) std::abort();
  }
  if (const auto id = parse_node_id(as_text(input))) {
    if (node_id_text(*id).size() != size) std::abort();
  }
  return 0;
}
