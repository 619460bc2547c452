// A Noise handshake as a value (rev 34 section 5.3): messages in, messages out, at the end two keys. One engine for every
// protocol that parse_noise_protocol knows, so that published vectors run through the code that links use.
//
//   NoiseHandshake noise(protocol, Role::initiator, prologue, std::move(secrets), provider);
//   auto first = noise.write_message({});             // Result<Bytes>
//   auto payload = noise.read_message(second);        // Result<Bytes>
//   ... until noise.finished():  NoiseSession session = std::move(noise).finish();
//
// A message can be written and read in two steps, tokens and payload, because a signature in the payload covers the handshake
// hash as it is just before the payload, and signing takes its time on a worker:
//
//   auto message = noise.write_tokens();              // handshake_hash() is now what the signature covers
//   auto rest = noise.write_payload(payload);         // append: message = tokens || rest
//   auto sealed = noise.read_tokens(message);         // the part of `message` that is the payload; handshake_hash() as above
//   auto payload = noise.read_payload(*sealed);
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <lattice/base/result.hpp>
#include <lattice/link/noise_cipher.hpp>
#include <lattice/link/noise_protocol.hpp>
#include <lattice/link/outside_key.hpp>
#include <lattice/link/role.hpp>

namespace lattice {

constexpr size_t noise_message_bytes_max = 65535;  // section 3

// What a handshake is run with. Randomness comes in as values: in the real world drawn from provider.rng().
struct NoiseSecrets {
  std::optional<DhSecret> static_key;
  std::optional<DhSecret> ephemeral;
  std::optional<Secret<kem_seed_bytes>> kem_seed;  // the initiator's, for e1
  std::optional<Secret<32>> encapsulation;         // the responder's, for ekem1: m of FIPS 203 algorithm 17
  std::optional<DhPublic> remote_static;           // where a pre-message asks for it
  std::vector<Secret<32>> psks;                    // in the order of the psk tokens; none where they are named
  std::shared_ptr<const KemKey> static_kem;        // for skem
  std::optional<Secret<32>> static_encapsulation;  // m of FIPS 203 algorithm 17, for skem
};

// The name of the first thing that this role needs and `secrets` lacks; null where all is there.
const char* noise_missing(const NoiseProtocol& protocol, Role role, const NoiseSecrets& secrets);

struct NoiseSession {
  NoiseCipher send, receive;  // in a one-way pattern only the initiator sends
  Secret<32> chaining_key;    // final ck: for resumption secrets, together with handshake_hash
  Digest handshake_hash;
};

class NoiseHandshake {
 public:
  // `secrets` must be complete (noise_missing); `provider` outlives this.
  NoiseHandshake(NoiseProtocol protocol, Role role, ByteView prologue, NoiseSecrets secrets, Provider& provider);

  bool finished() const { return next_ == protocol_.messages.size(); }
  // Whose turn it is to write. False when finished.
  bool my_turn() const { return !finished() && (next_ % 2 == 0) == (role_ == Role::initiator); }

  // In one step. Only in one's turn for write, in the other's for read.
  Result<Bytes> write_message(ByteView payload);
  Result<Bytes> read_message(ByteView message);

  // In two steps. Every error is bad_handshake, whatever its cause, but too_large for a message above noise_message_bytes_max.
  // After an error each further step fails.
  Result<Bytes> write_tokens();
  Result<Bytes> write_payload(ByteView payload);
  Result<ByteView> read_tokens(ByteView message);
  Result<Bytes> read_payload(ByteView sealed);

  // For protocols that name their psk: before write_tokens of that message.
  void set_outside_key(OutsideKey key);
  // Takes the id off the front of that message; then set_outside_key, then read_tokens of what is left.
  Result<KeyId> read_key_id(ByteView& message);
  // The other side's static KEM key, from its certificate: before skem is written.
  void set_remote_kem(ByteView public_key) { remote_static_kem_ = to_bytes(public_key); }

  const Digest& handshake_hash() const { return symmetric_.hash(); }
  // As soon as its `s` was read, or from the pre-message.
  const std::optional<DhPublic>& remote_static() const { return secrets_.remote_static; }
  // What write_payload adds to a payload's size, and read_payload takes away.
  size_t payload_overhead() const { return symmetric_.overhead(); }

  // Only when finished; wipes what is left of the handshake.
  NoiseSession finish() &&;

 private:
  Result<void> write_token(NoiseToken token, Bytes& to);
  Result<void> read_token(NoiseToken token, ByteView& from);
  Result<void> mix_dh(NoiseToken token);
  Result<Bytes> take_sealed(ByteView& from, size_t length);
  void mix_ephemeral(ByteView public_key);
  void mix_psk();
  void mix_pre_messages();
  std::unexpected<Error> die(ErrorCode code, const char* where);

  enum class Step : uint8_t { tokens, payload, dead };

  NoiseProtocol protocol_;
  Role role_;
  NoiseSecrets secrets_;
  Provider* provider_;
  NoiseSymmetric symmetric_;
  DhPublic static_public_{};
  std::optional<DhPublic> remote_ephemeral_;
  std::unique_ptr<KemKey> kem_key_;  // the initiator's, between e1 and ekem1
  Bytes remote_kem_public_;          // the responder's view of it
  Bytes remote_static_kem_;
  KeyId key_id_{};
  size_t next_token_ = 0;  // of the message that is being read
  size_t next_ = 0;        // which message is being written or read
  size_t next_psk_ = 0;
  size_t written_ = 0;  // bytes of this message's tokens
  Step step_ = Step::tokens;
};

}  // namespace lattice
