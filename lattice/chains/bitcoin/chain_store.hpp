// How a Bitcoin chain lies in the store: see the layout in chain.hpp.
#pragma once

#include <lattice/chains/bitcoin/primitives.hpp>
#include <lattice/node/store.hpp>

namespace lattice::bitcoin {

struct StoredHeader {
  uint32_t height = 0;
  BlockHash hash;
  Header header;
  bool has_body = false;
  bool body_invalid = false;
};
Batch::Put put_header(const StoredHeader& stored);
// store_failed: a record that was not written by put_header, or whose header does not have its key's hash.
Result<StoredHeader> read_stored_header(ByteView key, ByteView value);

Batch::Put put_body(const BlockHash& hash, SharedBytes block);
Batch::Put put_tip(const BlockHash& hash);
// Empty where none was ever written.
Result<std::optional<BlockHash>> read_tip(const Store& store);

// Makes an empty store this chain's. wrong_chain: it holds another chain, or the same from another start. wrong_version: it
// was written in a format that this program does not know.
Result<void> claim_store(Store& store, const ChainId& id, uint32_t start_height, const BlockHash& start);

}  // namespace lattice::bitcoin
