// Any bytes as what is remembered of seeds: refused, or written back byte for byte.
#include <lattice/base/assert.hpp>
#include <lattice/base/crc32c.hpp>
#include <lattice/discovery/seed_memory.hpp>
#include <lattice/wire/writer.hpp>

using namespace lattice;

static void hold(ByteView file) {
  const auto records = decode_seed_memory(file, ChainId{});
  if (!records) return;
  ASSERT(records->size() <= seed_records_max);
  ASSERT(equal(encode_seed_memory(*records, ChainId{}), file));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hold({data, size});
  // So that the fuzzer need not guess the sum, nor the head.
  wire::Writer with_sum;
  with_sum.bytes({data, size}).u32(crc32c({data, size}));
  hold(with_sum.view());
  Bytes head = encode_seed_memory({}, ChainId{});
  head.resize(head.size() - 5);
  wire::Writer with_head;
  with_head.bytes(head).bytes({data, size});
  with_head.u32(crc32c(with_head.view()));
  hold(with_head.view());
  return 0;
}
