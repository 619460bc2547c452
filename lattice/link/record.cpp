#include <lattice/link/record.hpp>

#include <lattice/base/assert.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {

Bytes framed(ByteView message) {
  ASSERT(message.size() <= UINT16_MAX);
  Bytes bytes(record_length_bytes);
  wire::store_be(bytes.data(), static_cast<uint16_t>(message.size()));
  append(bytes, message);
  return bytes;
}

Result<void> RecordSealer::seal(uint8_t* record, size_t text_length) {
  ASSERT(text_length <= record_text_bytes_max);
  const size_t sealed_length = text_length + overhead();
  wire::store_be(record, static_cast<uint16_t>(sealed_length));
  uint8_t* text = record + record_length_bytes;
  TRY_VOID(cipher_.seal({}, ByteView(text, text_length), ByteSpan(text, sealed_length)));
  records_ += 1;
  bytes_ += sealed_length;
  return {};
}

void RecordSealer::rekey(Instant now) {
  cipher_.rekey();
  records_ = 0;
  bytes_ = 0;
  key_since_ = now;
}

void RecordSealer::set_key(const Secret<32>& key, Instant now) {
  cipher_.set_key(key);
  records_ = 0;
  bytes_ = 0;
  key_since_ = now;
}

Result<ByteView> RecordOpener::open(ByteView sealed, ByteSpan out) {
  if (sealed.size() < record_text_bytes_min + cipher_.overhead()) return fail(ErrorCode::bad_record, "length");
  // Time is the sender's own affair: clocks differ, and records wait on the way.
  const bool used_up = records_ >= rekey_records_max || bytes_ + sealed.size() > rekey_bytes_max;
  if (used_up && !inside_tls()) return fail(ErrorCode::nonce_exhausted, "no rekey in time");
  const ByteSpan text = out.first(sealed.size() - cipher_.overhead());
  TRY_VOID(cipher_.open({}, sealed, text));
  records_ += 1;
  bytes_ += sealed.size();
  return ByteView(text);
}

void RecordOpener::rekey() {
  cipher_.rekey();
  records_ = 0;
  bytes_ = 0;
}

void RecordOpener::set_key(const Secret<32>& key) {
  cipher_.set_key(key);
  records_ = 0;
  bytes_ = 0;
}

}  // namespace lattice
