// A Noise protocol as a value: which tokens go in which message, and with which algorithms (Noise rev 34; noise_hfs rev 1).
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <lattice/crypto/hash.hpp>
#include <lattice/crypto/provider.hpp>

namespace lattice {

// Noise rev 34 section 7.1 and 9.2; e1 and ekem1 are noise_hfs's. Two are ours (docs/PROTOCOL.md): skem, a ciphertext to the
// other side's static KEM key; key_id, which says what key the message's psk is.
enum class NoiseToken : uint8_t { e, s, ee, es, se, ss, psk, e1, ekem1, skem, key_id };

using NoiseTokens = std::vector<NoiseToken>;

struct NoiseProtocol {
  std::string name;  // goes into the first hash as it stands
  NoiseTokens pre_initiator, pre_responder;
  std::vector<NoiseTokens> messages;  // the first is the initiator's, then by turns; a one-way pattern has one
  std::optional<KemAlg> kem;          // with the modifier hfs
  AeadAlg aead = AeadAlg::chacha20_poly1305;
  HashAlg hash = HashAlg::blake2s;
  size_t psks = 0;         // how many psk tokens: section 9.2, each has its own key
  bool names_psk = false;  // a key_id stands before: the key is given when that is known
};

// What of a name is not known here. A name that is none at all is `not_a_name`.
enum class NoiseNameError : uint8_t { not_a_name, pattern, modifier, dh, kem, cipher, hash };
std::string_view noise_name_error_text(NoiseNameError error);

// E.g. "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_BLAKE2s". Section 8: modifiers joined by '+', in alphabetical order, so that one
// protocol has one name. Every one-way, interactive and deferred pattern; psk0 to psk3; hfs where the pattern has an `ee`.
// The KEM must be named where hfs is, and only there.
std::expected<NoiseProtocol, NoiseNameError> parse_noise_protocol(std::string_view name);
// Message 3 of a psk3 protocol then begins with the key's id, encrypted: the responder learns which key to fetch.
void name_psk(NoiseProtocol& protocol);

}  // namespace lattice
