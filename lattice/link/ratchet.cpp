#include <lattice/link/ratchet.hpp>

#include <utility>

#include <lattice/base/assert.hpp>

namespace lattice {

using enum ErrorCode;

Ratchet::Ratchet(Role role, Suite suite, const Secret<32>& chaining_key, const Digest& handshake_hash, Provider& provider,
                 Instant now)
    : role_(role),
      kem_alg_(traits_of(suite).kem),
      chaining_key_(chaining_key),
      hash_(handshake_hash),
      provider_(&provider),
      turned_(now) {}

void Ratchet::make_offer() {
  ASSERT(role_ == Role::initiator && !offered_);
  auto offer = std::make_unique<Offer>();
  provider_->rng().fill(offer->ephemeral.span());
  Secret<kem_seed_bytes> seed;
  provider_->rng().fill(seed.span());
  offer->kem = provider_->kem_key(kem_alg_, seed);
  offer->bytes = to_bytes(provider_->dh_public(offer->ephemeral));
  append(offer->bytes, offer->kem->public_key());
  say_ = Say{offer->bytes, std::nullopt};
  offered_ = std::move(offer);
}

Result<void> Ratchet::on_frame(ByteView chunk, Instant now) {
  if (role_ == Role::initiator) return on_answer(chunk, now);
  return awaits_done_ ? on_done(chunk) : on_offer(chunk, now);
}

Result<void> Ratchet::on_offer(ByteView chunk, Instant now) {
  if (chunk.size() != sizeof(DhPublic) + kem_sizes(kem_alg_).public_key) return fail(bad_frame, "ratchet offer");
  if (now - turned_ < ratchet_interval_min) return fail(too_many_messages, "ratchet");
  const ByteView remote = chunk.first(sizeof(DhPublic));
  DhSecret ephemeral;
  provider_->rng().fill(ephemeral.span());
  Secret<32> randomness;
  provider_->rng().fill(randomness.span());
  TRY(dh, provider_->dh(ephemeral, remote));
  TRY(kem, provider_->encapsulate(kem_alg_, chunk.subspan(sizeof(DhPublic)), randomness));
  Bytes answer = to_bytes(provider_->dh_public(ephemeral));
  append(answer, kem.ciphertext);
  auto [initiators, responders] = turn(chunk, answer, dh, kem.shared, now);
  say_ = Say{std::move(answer), std::move(responders)};
  awaits_done_ = std::move(initiators);
  return {};
}

Result<void> Ratchet::on_answer(ByteView chunk, Instant now) {
  if (!offered_) return fail(bad_frame, "ratchet answer that nobody asked for");
  if (chunk.size() != sizeof(DhPublic) + kem_sizes(kem_alg_).ciphertext) return fail(bad_frame, "ratchet answer");
  const auto offer = std::move(offered_);
  TRY(dh, provider_->dh(offer->ephemeral, chunk.first(sizeof(DhPublic))));
  TRY(kem, offer->kem->decapsulate(chunk.subspan(sizeof(DhPublic))));
  auto [initiators, responders] = turn(offer->bytes, chunk, dh, kem, now);
  receiving_key_ = std::move(responders);
  say_ = Say{{}, std::move(initiators)};
  return {};
}

Result<void> Ratchet::on_done(ByteView chunk) {
  if (!chunk.empty()) return fail(bad_frame, "end of a ratchet");
  receiving_key_ = *std::exchange(awaits_done_, std::nullopt);
  return {};
}

std::pair<Secret<32>, Secret<32>> Ratchet::turn(ByteView offer, ByteView answer, const Secret<32>& dh, const Secret<32>& kem,
                                                Instant now) {
  hash_ = hash(HashAlg::blake2s, {as_bytes("lattice/1/ratchet"), hash_, offer, answer});
  Secret<96> input;
  std::ranges::copy(hash_, input.span().begin());
  std::ranges::copy(dh.view(), input.span().begin() + 32);
  std::ranges::copy(kem.view(), input.span().begin() + 64);
  Hkdf keys = hkdf(HashAlg::blake2s, chaining_key_, input.view(), 3);
  chaining_key_ = std::move(keys.first);
  turned_ = now;
  return {std::move(keys.second), std::move(keys.third)};
}

}  // namespace lattice
