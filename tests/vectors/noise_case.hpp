// One Noise vector, whichever of the three file formats it came in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <lattice/link/noise.hpp>

#include "fields.hpp"

namespace lattice::vectors {

struct NoiseCase {
  struct Message {
    Bytes payload, ciphertext;
    std::optional<Digest> h_before_payload, h_after;
  };
  struct Transport {
    bool by_initiator = true;
    uint64_t nonce = 0;
    Bytes payload, ciphertext;
  };
  // A public key that the file states beside the secret it must come from.
  struct StatedKey {
    std::string what;
    Bytes stated, made;
  };

  std::string protocol_name;
  Bytes initiator_prologue, responder_prologue;
  NoiseSecrets initiator, responder;
  std::vector<Message> messages;     // the handshake's; those after it are transport messages, by turns
  std::vector<Transport> transport;  // where the file states direction and nonce
  std::vector<StatedKey> keys;
  std::optional<Digest> handshake_hash;
  std::optional<Secret<32>> final_ck, key_i2r, key_r2i, key_i2r_rekeyed, key_r2i_rekeyed;
};

// The protocol's name, for a vector of any format; `file` is the whole file. Throws Malformed.
std::string protocol_name_of(const Json& file, const Json& vector);

// Formats, told apart by their fields: "msg_a" is libp2p's XXhfs file; "prologue" the hfs file; "init_prologue" cacophony's,
// which other implementations write too. Throws Malformed.
NoiseCase read_noise_case(const Json& file, const Json& vector, Provider& provider);

}  // namespace lattice::vectors
