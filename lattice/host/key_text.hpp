// The text of a key file: four lines, the secret in the open or sealed with a passphrase.
//
//   lattice-node-key-2
//   plain                          or   scrypt LOG_N R P SALT      (three decimal numbers; 64 hex digits)
//   128 hex digits                 or   160: ChaCha20-Poly1305 under the scrypt key, nonce 0, with the lines before it as
//                                       associated data. A new salt each time, so a key seals once.
//   crc32c XXXXXXXX                     CRC-32C of all bytes before this line
//
// There is one text for each content: lower case, no leading zeros, nothing after the last line. The checksum tells a damaged
// file from a wrong passphrase, and both from a costly answer: it is looked at first, then the cost's bounds, then the
// passphrase. The older form, "lattice-node-key-1" and 128 hex digits, is still read.
#pragma once

#include <expected>
#include <optional>
#include <string_view>

#include <lattice/base/random.hpp>
#include <lattice/crypto/kdf.hpp>
#include <lattice/crypto/secret.hpp>

namespace lattice {

constexpr size_t node_secret_bytes = 64;
using NodeSecret = Secret<node_secret_bytes>;

class Passphrase {
 public:
  static constexpr size_t bytes_max = 1024;
  // Empty where `text` is empty or longer than bytes_max.
  static std::optional<Passphrase> from(ByteView text);
  ByteView view() const { return bytes_.view().first(size_); }

 private:
  Passphrase() = default;
  Secret<bytes_max> bytes_;
  size_t size_ = 0;
};

// What a key file can be refused for.
enum class KeyFileFault : uint8_t {
  missing,           // there is no file
  unreadable,        // the system does not give it, or it is no plain file
  too_open,          // others than its owner can read or write it
  damaged,           // not a text that this program wrote
  bad_cost,          // it asks for more work or memory than this program gives
  needs_passphrase,  // sealed, and there is no passphrase
  wrong_passphrase,
  no_memory,  // for scrypt
  exists,     // it would be replaced by another
  unwritable,
};

// Text on its way to or from a file: wiped.
struct KeyText {
  static constexpr size_t bytes_max = 512;
  Secret<bytes_max> bytes;
  size_t size = 0;
  ByteView view() const { return bytes.view().first(size); }
};

bool is_sealed_key(ByteView text);
// damaged, bad_cost, needs_passphrase, wrong_passphrase, no_memory. A passphrase that is not needed does no harm.
std::expected<NodeSecret, KeyFileFault> read_key_text(ByteView text, const Passphrase* passphrase);
// Without a passphrase, plain. `rng`: for the salt. bad_cost, no_memory.
std::expected<KeyText, KeyFileFault> write_key_text(const NodeSecret& secret, const Passphrase* passphrase,
                                                    const ScryptCost& cost, Rng& rng);

}  // namespace lattice
