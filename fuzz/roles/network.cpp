#include "network.hpp"

#include <lattice/base/assert.hpp>

namespace lattice::roles {
namespace {

using std::chrono::seconds;

constexpr int64_t certificate_seconds = 10 * 24 * 3600;

const std::vector<Suite> suite_lists[] = {
    {Suite::xxhfs_chacha},
    {Suite::xxhfs_aesgcm},
    {Suite::xxhfs1024_chacha},
    {Suite::xxhfskem_chacha},
    {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm},
    {Suite::xxhfs_chacha, Suite::xxhfskem_chacha},
    {Suite::tls13},
    {Suite::xxhfs1024_chacha, Suite::xxhfs_chacha},
    {Suite::xxhfs_aesgcm, Suite::xxhfskem_chacha, Suite::tls13},
    {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm, Suite::xxhfs1024_chacha, Suite::xxhfskem_chacha, Suite::tls13},
    {Suite::xxhfs_chacha, Suite::tls13},
    {Suite::xxhfs1024_chacha, Suite::xxhfskem_chacha},
};

const SuiteIds allowed_lists[] = {{1, 2, 0x0021, 0x0101}, {1, 2, 0x0101}, {1, 0x0021}, {2, 0x0101}};

AdmissionLimits limits_of(size_t kind) {
  AdmissionLimits limits;
  limits.difficulty_group = 2;
  limits.difficulty_load = 3;
  if (kind == 1) limits.unproven = {1, 0.01};
  if (kind == 2) limits.unproven = {0, 0};
  if (kind == 3) limits.solved = {2, 0.01};
  return limits;
}

}  // namespace

void Network::begin(Program& program) {
  keys_.clear();
  keys_made_ = 0;
  key_server_ = true;
  const uint8_t mask = program.byte();
  mask_ = mask % 8 < mask_count ? static_cast<Mask>(mask % 8) : Mask::honest;
  victim_ = mask / 8 % honest_nodes;
  const uint8_t common = program.byte();
  for (Node& node : nodes_) {
    const uint8_t own = program.byte();
    const uint8_t policy = own < 192 ? common : own;
    node = {};
    node.variant = policy / 16 % 8 < 5 ? 0 : policy / 16 % 8 - 4;
    choose_policy(node, policy, program);
  }
}

void Network::choose_policy(Node& node, uint8_t policy, Program& program) {
  const uint8_t extras = program.byte();
  node.suites = suite_lists[policy % std::size(suite_lists)];
  if (!provider_->has_tls() && node.suites == std::vector{Suite::tls13}) node.suites = suite_lists[9];
  node.has87 = extras % 8 != 7;
  node.resumes = extras / 8 % 8 != 7;
  node.outside_keys = extras % 16 == 5 ? OutsideKeys::accept : extras % 16 == 6 ? OutsideKeys::require : OutsideKeys::off;
  if (extras / 64 == 3 && !node.admission) {
    ByteArray<32> secret;
    rng_->fill(secret);
    node.admission.emplace(Secret<32>(secret), limits_of(extras % 4));
  }
  if (extras == 0xbf) node.remembers = false;
}

// The same of every program, whatever the generator has given before.
const std::shared_ptr<const Identity>& Network::cached(size_t node, SignAlg alg, size_t variant, uint64_t serial) {
  auto& identity = identities_[{node, alg, variant, serial}];
  if (identity) return identity;
  const SeededRng before = rng_->inner();
  rng_->begin(node * 1'000'003 + variant * 1009 + serial * 8 + static_cast<uint64_t>(alg));
  ByteArray<64> secret;
  secret.fill(static_cast<uint8_t>(node + 1));
  IdentityOptions options;
  options.sign_alg = alg;
  options.allowed_suites = alg == SignAlg::mldsa87 ? SuiteIds{0x0011} : allowed_lists[variant];
  options.serial = serial;
  options.not_before = wall_from_unix(wall_start - 100'000);
  options.not_after = wall_from_unix(wall_start + certificate_seconds * static_cast<int64_t>(serial));
  identity = make_identity(*provider_, Secret<64>(secret), options);
  owners_[identity->id] = node;
  rng_->inner() = before;
  return identity;
}

std::shared_ptr<const Identity> Network::identity(size_t node, SignAlg alg) {
  if (lies(node)) return masked(alg);
  const size_t variant = alg == SignAlg::mldsa87 ? 0 : nodes_[node].variant;
  return cached(node, alg, variant, nodes_[node].serial);
}

std::shared_ptr<const Identity> Network::masked(SignAlg alg) {
  const Node& victim = nodes_[victim_];
  const auto& own = cached(honest_nodes, alg, 0, 1);
  auto shown = std::make_shared<Identity>(*cached(victim_, alg, alg == SignAlg::mldsa87 ? 0 : victim.variant, victim.serial));
  const bool changed = mask_ == Mask::changed_certificate;
  if (mask_ != Mask::static_key && !changed) shown->dh = own->dh;
  if (mask_ != Mask::signing_key) shown->signing = own->signing;
  if (mask_ != Mask::kem_key && shown->kem) shown->kem = own->kem;
  if (changed && shown->kem) {
    shown->certificate.kem_public = to_bytes(own->kem->public_key());
    shown->body = encode_certificate(shown->certificate);
  }
  return shown;
}

std::optional<size_t> Network::owner(const NodeId& id) {
  const auto found = owners_.find(id);
  return found == owners_.end() ? std::nullopt : std::optional(found->second);
}

Endpoint Network::endpoint(size_t node, size_t connection) const {
  return {IpAddress::v4(10, static_cast<uint8_t>(node), 0, 1), static_cast<uint16_t>(40'000 + connection)};
}

LinkConfig Network::config(size_t node, Role role) {
  Node& of = nodes_[node];
  LinkConfig config;
  config.role = role;
  config.magic = {0xfa, 0xce, 0x00, 0x01};
  config.chain8 = {1, 2, 3, 4, 5, 6, 7, 8};
  config.suites = of.suites;
  // Whoever has stolen an ML-DSA key is its owner in suite 0x0101: docs/PROTOCOL.md says so of it.
  if (lies(node) && mask_ == Mask::signing_key) std::erase(config.suites, Suite::tls13);
  config.identity = identity(node, SignAlg::mldsa65);
  if (of.has87) config.identity87 = identity(node, SignAlg::mldsa87);
  config.outside_keys = of.outside_keys;
  config.memory = of.remembers ? &of.memory : nullptr;
  config.resumes = of.resumes;
  if (role == Role::responder && of.admission) config.admission = &*of.admission;
  return config;
}

// ETSI GS QKD 014's two questions: a fresh key, and the one of this id, once.
OutsideKeyDone Network::outside_key(const OutsideKeyWork& work) {
  if (!key_server_) return {};
  if (work.id) {
    const auto found = keys_.find(*work.id);
    if (found == keys_.end()) return {};
    OutsideKey key{*work.id, found->second};
    keys_.erase(found);
    return {std::move(key)};
  }
  KeyId id{};
  id[0] = static_cast<uint8_t>(++keys_made_);
  id[1] = static_cast<uint8_t>(keys_made_ >> 8);
  Secret<32> key;
  rng_->fill(key.span());
  keys_[id] = key;
  return {OutsideKey{id, key}};
}

}  // namespace lattice::roles
