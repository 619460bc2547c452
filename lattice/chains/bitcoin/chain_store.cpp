#include <lattice/chains/bitcoin/chain_store.hpp>

#include <lattice/chains/bitcoin/chain.hpp>

namespace lattice::bitcoin {

namespace {

constexpr uint8_t format = 1;
constexpr uint8_t flag_body = 1, flag_invalid = 2;

Bytes chain_key() { return to_bytes(as_bytes("bitcoin/chain")); }
Bytes tip_key() { return to_bytes(as_bytes("bitcoin/tip")); }

void append_height(Bytes& to, uint64_t height) {
  for (int shift = 56; shift >= 0; shift -= 8) to.push_back(static_cast<uint8_t>(height >> shift));
}

}  // namespace

Batch::Put put_header(const StoredHeader& stored) {
  Bytes key;
  key.reserve(40);
  append_height(key, stored.height);
  append(key, stored.hash.view());
  Bytes value;
  value.reserve(header_bytes + 1);
  append(value, header_wire(stored.header));
  value.push_back(static_cast<uint8_t>((stored.has_body ? flag_body : 0) | (stored.body_invalid ? flag_invalid : 0)));
  return {Column::headers, std::move(key), SharedBytes(std::move(value))};
}

Result<StoredHeader> read_stored_header(ByteView key, ByteView value) {
  if (key.size() != 40 || value.size() != header_bytes + 1) return fail(ErrorCode::store_failed, "size of a stored header");
  uint64_t height = 0;
  for (const uint8_t byte : key.first(8)) height = height << 8 | byte;
  const uint8_t flags = value[header_bytes];
  if (height > height_max || flags > (flag_body | flag_invalid))
    return fail(ErrorCode::store_failed, "a stored header's fields");
  StoredHeader stored;
  stored.height = static_cast<uint32_t>(height);
  stored.hash = BlockHash::from(key.subspan(8));
  stored.header = *parse_header(value.first(header_bytes));
  stored.has_body = (flags & flag_body) != 0;
  stored.body_invalid = (flags & flag_invalid) != 0;
  // The hash alone tells of damage; the proof of work was checked before it was written.
  if (hash_header(value) != stored.hash) return fail(ErrorCode::store_failed, "a stored header has another hash");
  return stored;
}

Batch::Put put_body(const BlockHash& hash, SharedBytes block) {
  return {Column::bodies, to_bytes(hash.view()), std::move(block)};
}

Batch::Put put_tip(const BlockHash& hash) { return {Column::meta, tip_key(), SharedBytes(to_bytes(hash.view()))}; }

Result<std::optional<BlockHash>> read_tip(const Store& store) {
  TRY(value, store.read(Column::meta, tip_key()));
  if (!value) return std::optional<BlockHash>{};
  if (value->size() != 32) return fail(ErrorCode::store_failed, "size of the stored tip");
  return std::optional{BlockHash::from(value->view())};
}

Result<void> claim_store(Store& store, const ChainId& id, uint32_t start_height, const BlockHash& start) {
  Bytes claim{format};
  append(claim, id.view());
  append_height(claim, start_height);
  append(claim, start.view());

  TRY(found, store.read(Column::meta, chain_key()));
  if (!found) {
    Batch batch;
    batch.puts.push_back({Column::meta, chain_key(), SharedBytes(std::move(claim))});
    batch.sync = true;
    return store.commit(batch);
  }
  const ByteView held = found->view();
  if (held.empty() || held[0] != format) return fail(ErrorCode::wrong_version, "the store has another format");
  if (held.size() != claim.size()) return fail(ErrorCode::store_failed, "size of the store's claim");
  if (!equal(held.subspan(1, 32), id.view())) return fail(ErrorCode::wrong_chain, "the store holds another chain");
  if (!equal(held, claim)) return fail(ErrorCode::wrong_chain, "the store's chain begins at another header");
  return {};
}

}  // namespace lattice::bitcoin
