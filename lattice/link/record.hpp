// Records: u16 length, then an AEAD over frames. One key and one counter a direction; the key is changed in time. Inside TLS
// (suite 0x0101) the frames stand as they are, and it is TLS's key that is changed.
#pragma once

#include <lattice/base/time.hpp>
#include <lattice/link/noise_cipher.hpp>
#include <lattice/wire/limits.hpp>

namespace lattice {

constexpr size_t record_length_bytes = 2;
constexpr size_t record_text_bytes_max = limits::record_bytes_max - aead_tag_bytes;
// The smallest text: one empty frame of the link's own.
constexpr size_t record_text_bytes_min = limits::frame_header_bytes;

// A key's life: whichever comes first. The sender announces the change in the last record under the old key.
constexpr uint64_t rekey_records_max = uint64_t{1} << 16;
constexpr uint64_t rekey_bytes_max = uint64_t{1} << 30;
constexpr Duration rekey_age_max = std::chrono::seconds{120};

// After a key that was used so much, must the next record be the last under it? One more might pass the limit.
constexpr bool last_record_of_key(uint64_t records, uint64_t bytes, Duration age) {
  const bool by_bytes = bytes + 2 * limits::record_bytes_max > rekey_bytes_max;
  return by_bytes || records + 1 >= rekey_records_max || age >= rekey_age_max;
}

// As it stands on the wire: a handshake message behind its length. At most 65,535 bytes.
Bytes framed(ByteView message);

class RecordSealer {
 public:
  RecordSealer(NoiseCipher cipher, Instant now) : cipher_(std::move(cipher)), key_since_(now) {}

  bool rekey_due(Instant now) const { return last_record_of_key(records_, bytes_, now - key_since_); }
  bool inside_tls() const { return !cipher_.has_key(); }
  // `record` holds 2 bytes of room, `text_length` bytes of text, overhead() bytes of room. Seals in place.
  Result<void> seal(uint8_t* record, size_t text_length);
  size_t overhead() const { return cipher_.overhead(); }
  void rekey(Instant now);
  // A new key; the counter goes on.
  void set_key(const Secret<32>& key, Instant now);

 private:
  NoiseCipher cipher_;
  uint64_t records_ = 0, bytes_ = 0;  // under this key
  Instant key_since_;
};

class RecordOpener {
 public:
  explicit RecordOpener(NoiseCipher cipher) : cipher_(std::move(cipher)) {}

  // `sealed`: without its length. `out` holds record_text_bytes_max. bad_record for a wrong tag; nonce_exhausted where the peer
  // uses a key beyond its life. Gives the text, in `out`. Inside TLS the key's life is the peer's own care.
  Result<ByteView> open(ByteView sealed, ByteSpan out);
  bool inside_tls() const { return !cipher_.has_key(); }
  void rekey();
  void set_key(const Secret<32>& key);

 private:
  NoiseCipher cipher_;
  uint64_t records_ = 0, bytes_ = 0;
};

}  // namespace lattice
