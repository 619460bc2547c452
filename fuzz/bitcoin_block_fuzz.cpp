// Blocks as peers send them: parsed, walked and checked whole. What parses must add up.
#include <cstdlib>

#include <lattice/chains/bitcoin/check_block.hpp>

using namespace lattice;
using namespace lattice::bitcoin;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(data, size);
  if (const auto block = parse_block(bytes)) {
    size_t sum = 0;
    for (const Transaction& tx : block->transactions) {
      sum += tx.all.size();
      if (tx.base_bytes() > tx.all.size()) std::abort();
      Cursor inputs(tx.inputs), outputs(tx.outputs);
      for (uint32_t i = 0; i < tx.input_count; ++i) read_input(inputs);
      for (uint32_t i = 0; i < tx.output_count; ++i) read_output(outputs);
      if (!inputs.ok() || inputs.left() != 0 || !outputs.ok() || outputs.left() != 0) std::abort();
    }
    if (sum + header_bytes > size || block->weight() > 4 * size) std::abort();
    // With the root that its transactions have, the checks behind the Merkle root run too.
    std::vector<Digest> ids;
    for (const Transaction& tx : block->transactions) ids.push_back(tx.txid());
    Header header = block->header;
    header.merkle_root = merkle_root(ids).root;
    Bytes fitting = to_bytes(header_wire(header));
    append(fitting, bytes.subspan(header_bytes));
    check_block(mainnet(), fitting, 100);
    check_block(regtest(), fitting, 100);
  }
  if (const auto fault = check_block(regtest(), bytes, 1); !fault && size < header_bytes) std::abort();
  return 0;
}
