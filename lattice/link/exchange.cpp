#include <lattice/link/exchange.hpp>

#include <lattice/base/assert.hpp>

namespace lattice {

NoiseSecrets draw_secrets(Role role, Provider& provider) {
  NoiseSecrets secrets;
  provider.rng().fill(secrets.ephemeral.emplace().span());
  if (role == Role::initiator)
    provider.rng().fill(secrets.kem_seed.emplace().span());
  else
    provider.rng().fill(secrets.encapsulation.emplace().span());
  return secrets;
}

NoiseProtocol noise_protocol(std::string_view name) {
  auto protocol = parse_noise_protocol(name);
  ASSERT(protocol);
  return *std::move(protocol);
}

Bytes first_message(Bytes head, NoiseHandshake& noise) {
  const Result<Bytes> keys = noise.write_message({});
  ASSERT(keys);
  append(head, *keys);
  return head;
}

HandshakeResult introduced(const Introduction& introduction, NoiseSession session, bool says_ready) {
  const ProvenPeer& peer = introduction.peer();
  return {std::move(session), introduction.suite(), introduction.own().id, peer.id, peer.certificate, false,
          says_ready,         std::nullopt};
}

}  // namespace lattice
