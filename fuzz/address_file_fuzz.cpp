// Any bytes as stored addresses: refused, or what they say can be stored and read again.
#include <lattice/base/assert.hpp>
#include <lattice/base/crc32c.hpp>
#include <lattice/discovery/address_file.hpp>
#include <lattice/wire/writer.hpp>

using namespace lattice;

static void hold(ByteView file) {
  const ChainId chain{};
  const auto read = decode_addresses(file, chain);
  if (!read) return;
  ASSERT(read->size() <= AddressTable::entries_max);
  SeededRng rng(1);
  AddressTable table;
  for (const auto& entry : *read) {
    ASSERT(entry.source == PeerSource::peer_exchange && entry.stored && entry.last_seen >= 0 && entry.endpoint.port != 0);
    table.add(entry, rng);
  }
  const Bytes written = encode_addresses(table, chain);
  const auto again = decode_addresses(written, chain);
  ASSERT(again && again->size() == table.size());
  AddressTable copy;
  for (const auto& entry : *again) copy.add(entry, rng);
  ASSERT(encode_addresses(copy, chain) == written);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hold({data, size});
  // So that the fuzzer need not guess the sum, nor the head.
  wire::Writer with_sum;
  with_sum.bytes({data, size}).u32(crc32c({data, size}));
  hold(with_sum.view());
  Bytes whole = encode_addresses(AddressTable{}, ChainId{});
  whole.resize(address_file_head_bytes - 4);
  wire::Writer with_head;
  with_head.bytes(whole).u32(static_cast<uint32_t>(size / address_file_entry_bytes));
  with_head.bytes({data, size - size % address_file_entry_bytes});
  with_head.u32(crc32c(with_head.view()));
  hold(with_head.view());
  return 0;
}
