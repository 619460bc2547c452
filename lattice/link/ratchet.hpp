// A fresh X25519 and ML-KEM exchange inside a running link, every hour: whoever has stolen its keys reads on for an hour at
// most, unless it sits between the two all the time.
//
//   initiator -> offer   e 32 | e1                   (any record)
//   responder -> answer  e 32 | ciphertext           last frame of its record; what it sends next is under the new key
//   initiator -> done    nothing                     last frame of its record; what it sends next is under the new key
//
//   h'               = BLAKE2s("lattice/1/ratchet" || h || offer || answer)
//   ck', k_I, k_R    = HKDF(ck, h' || X25519(e, e) || ML-KEM secret, 3)
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <lattice/base/time.hpp>
#include <lattice/crypto/hash.hpp>
#include <lattice/crypto/provider.hpp>
#include <lattice/link/role.hpp>
#include <lattice/link/suite.hpp>

namespace lattice {

constexpr Duration ratchet_interval = std::chrono::hours{1};
// An initiator that asks for more costs its responder more than it needs.
constexpr Duration ratchet_interval_min = std::chrono::minutes{10};

class Ratchet {
 public:
  // `chaining_key` and `handshake_hash`: the finished handshake's. `provider` outlives this.
  Ratchet(Role role, Suite suite, const Secret<32>& chaining_key, const Digest& handshake_hash, Provider& provider,
          Instant now);

  // The initiator's turn to make an offer.
  bool due(Instant now) const { return role_ == Role::initiator && !offered_ && now - turned_ >= ratchet_interval; }
  void make_offer();
  // A frame of the other side, by what this side is waiting for; the responder's answer is to be sent then. bad_frame for one
  // that is not due, too_many_messages for one too soon, bad_handshake for keys that are none.
  Result<void> on_frame(ByteView chunk, Instant now);

  // What is to be said now. With `next_key` it is the last frame of its record, and what is sent next is under that key.
  struct Say {
    Bytes chunk;
    std::optional<Secret<32>> next_key;
  };
  std::optional<Say> poll_say() { return std::exchange(say_, std::nullopt); }
  bool has_say() const { return say_.has_value(); }
  // The receiving key that holds from the next record on.
  std::optional<Secret<32>> poll_receiving_key() { return std::exchange(receiving_key_, std::nullopt); }

 private:
  struct Offer {
    DhSecret ephemeral;
    std::unique_ptr<KemKey> kem;
    Bytes bytes;
  };

  Result<void> on_offer(ByteView chunk, Instant now);
  Result<void> on_answer(ByteView chunk, Instant now);
  Result<void> on_done(ByteView chunk);
  std::pair<Secret<32>, Secret<32>> turn(ByteView offer, ByteView answer, const Secret<32>& dh, const Secret<32>& kem,
                                         Instant now);

  Role role_;
  KemAlg kem_alg_;
  Secret<32> chaining_key_;
  Digest hash_;
  Provider* provider_;
  Instant turned_;
  std::unique_ptr<Offer> offered_;         // the initiator's, until its answer has come
  std::optional<Secret<32>> awaits_done_;  // the responder's next receiving key
  std::optional<Say> say_;
  std::optional<Secret<32>> receiving_key_;
};

}  // namespace lattice
