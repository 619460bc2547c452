#include <lattice/link/identity.hpp>

#include <algorithm>
#include <chrono>
#include <limits>

#include <lattice/base/assert.hpp>
#include <lattice/link/bech32.hpp>
#include <lattice/link/suite.hpp>
#include <lattice/wire/reader.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {

using enum ErrorCode;

static constexpr uint8_t certificate_version = 1;
static constexpr std::string_view node_id_prefix = "lat";

std::string node_id_text(const NodeId& id) { return bech32m_encode(node_id_prefix, id.bytes); }

std::optional<NodeId> parse_node_id(std::string_view text) {
  const auto bytes = bech32m_decode(node_id_prefix, text);
  if (!bytes) return std::nullopt;
  return NodeId{*bytes};
}

static bool has_kem_key(const std::vector<uint16_t>& suites) { return std::ranges::count(suites, kem_suite_id) != 0; }

Bytes encode_certificate(const Certificate& certificate) {
  ASSERT(certificate.sign_public.size() == sign_sizes(certificate.sign_alg).public_key);
  ASSERT(!certificate.allowed_suites.empty() && certificate.allowed_suites.size() <= limits::offers_max);
  wire::Writer writer;
  writer.u8(certificate_version).u16(alg_x25519).u16(static_cast<uint16_t>(certificate.sign_alg));
  writer.bytes(certificate.dh).bytes(certificate.sign_public).u32(certificate.capabilities);
  writer.u8(static_cast<uint8_t>(certificate.allowed_suites.size()));
  for (const uint16_t suite : certificate.allowed_suites) writer.u16(suite);
  writer.u64(certificate.serial);
  writer.u64(static_cast<uint64_t>(unix_seconds(certificate.not_before)));
  writer.u64(static_cast<uint64_t>(unix_seconds(certificate.not_after)));
  const size_t kem_bytes = has_kem_key(certificate.allowed_suites) ? kem_sizes(KemAlg::mlkem768).public_key : 0;
  ASSERT(certificate.kem_public.size() == kem_bytes);
  writer.bytes(certificate.kem_public);
  return writer.take();
}

static Result<SignAlg> read_sign_alg(wire::Reader& reader) {
  TRY(id, reader.u16());
  const auto alg = static_cast<SignAlg>(id);
  if (alg != SignAlg::mldsa65 && alg != SignAlg::mldsa87) return fail(bad_certificate, "signature algorithm");
  return alg;
}

static Result<std::vector<uint16_t>> read_suites(wire::Reader& reader) {
  TRY(count, reader.u8());
  if (count == 0 || count > limits::offers_max) return fail(bad_certificate, "number of suites");
  std::vector<uint16_t> suites;
  for (size_t i = 0; i < count; ++i) {
    TRY(suite, reader.u16());
    if (std::ranges::count(suites, suite) != 0) return fail(bad_certificate, "a suite twice");
    suites.push_back(suite);
  }
  return suites;
}

static Result<WallTime> read_time(wire::Reader& reader) {
  TRY(seconds, reader.u64());
  if (seconds > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return fail(bad_certificate, "time");
  return wall_from_unix(static_cast<int64_t>(seconds));
}

Result<Certificate> decode_certificate(ByteView body) {
  if (body.size() > limits::certificate_bytes_max) return fail(too_large, "certificate");
  wire::Reader reader(body);
  TRY(version, reader.u8());
  if (version != certificate_version) return fail(bad_certificate, "version");
  TRY(dh_alg, reader.u16());
  if (dh_alg != alg_x25519) return fail(bad_certificate, "key exchange algorithm");
  TRY(sign_alg, read_sign_alg(reader));
  TRY(dh, reader.array<32>());
  TRY(sign_public, reader.bytes(sign_sizes(sign_alg).public_key));
  TRY(capabilities, reader.u32());
  TRY(suites, read_suites(reader));
  TRY(serial, reader.u64());
  TRY(not_before, read_time(reader));
  TRY(not_after, read_time(reader));
  TRY(kem_public, reader.bytes(has_kem_key(suites) ? kem_sizes(KemAlg::mlkem768).public_key : 0));
  TRY_VOID(reader.end());
  if (not_before >= not_after) return fail(bad_certificate, "validity");
  return Certificate{sign_alg,   dh,        to_bytes(sign_public), capabilities, std::move(suites), serial,
                     not_before, not_after, to_bytes(kem_public)};
}

CertHash certificate_hash(ByteView body) { return CertHash{blake2s(body)}; }

NodeId node_id_of(const Certificate& certificate) {
  wire::Writer algs;
  algs.u16(alg_x25519).u16(static_cast<uint16_t>(certificate.sign_alg));
  return NodeId{hash(HashAlg::blake2s, {as_bytes("lattice node id"), algs.view(), certificate.dh, certificate.sign_public})};
}

// A KEM key lives as long as its certificate. It follows from the node's secret and the serial, so that a restart under the
// same certificate has the same key; what it authenticates is never secret later, so nothing is lost with the secret but what
// the secret's thief can do anyway.
static std::shared_ptr<const KemKey> make_kem(Provider& provider, const DhSecret& dh, uint64_t serial) {
  wire::Writer label;
  label.bytes(as_bytes("lattice/1/kem")).u64(serial);
  Secret<kem_seed_bytes> seed;
  const auto half = [&](uint8_t index) { return Secret<32>(hash(HashAlg::blake2s, {label.view(), {&index, 1}, dh.view()})); };
  std::ranges::copy(half(1).view(), seed.span().begin());
  std::ranges::copy(half(2).view(), seed.span().begin() + 32);
  return provider.kem_key(KemAlg::mlkem768, seed);
}

// Certificate, its body and its self-signature, over keys that are there.
static void certify(Identity& identity, Provider& provider, const IdentityOptions& options) {
  identity.kem = has_kem_key(options.allowed_suites) ? make_kem(provider, identity.dh, options.serial) : nullptr;
  identity.certificate = {identity.signing->alg(),
                          provider.dh_public(identity.dh),
                          to_bytes(identity.signing->public_key()),
                          options.capabilities,
                          options.allowed_suites,
                          options.serial,
                          options.not_before,
                          options.not_after,
                          identity.kem ? to_bytes(identity.kem->public_key()) : Bytes{}};
  identity.body = encode_certificate(identity.certificate);
  identity.id = node_id_of(identity.certificate);
  Secret<32> entropy;
  provider.rng().fill(entropy.span());
  identity.self_signature = identity.signing->sign(as_bytes(certificate_context), identity.body, entropy);
}

std::shared_ptr<const Identity> make_identity(Provider& provider, const Secret<64>& secret, const IdentityOptions& options) {
  ASSERT(options.not_before < options.not_after);
  auto identity = std::make_shared<Identity>();
  if (options.sign_alg == SignAlg::mldsa65) {
    identity->dh = DhSecret(secret.view().first(32));
    identity->signing = provider.signing_key(SignAlg::mldsa65, Secret<32>(secret.view().last(32)));
  } else {
    const auto derived = [&](std::string_view use) {
      return Secret<32>(hash(HashAlg::blake2s, {as_bytes("lattice/1/mldsa87 "), as_bytes(use), secret.view()}));
    };
    identity->dh = derived("x25519");
    identity->signing = provider.signing_key(SignAlg::mldsa87, derived("signing"));
  }
  certify(*identity, provider, options);
  return identity;
}

std::shared_ptr<const Identity> renew_identity(Provider& provider, const Identity& old, WallTime now) {
  const Certificate& before = old.certificate;
  const auto lifetime = before.not_after - before.not_before;
  IdentityOptions options;
  options.allowed_suites = before.allowed_suites;
  options.capabilities = before.capabilities;
  options.serial = std::max(before.serial + 1, static_cast<uint64_t>(std::max<int64_t>(unix_seconds(now), 0)));
  options.not_before = now - std::min<std::chrono::seconds>(lifetime / 4, std::chrono::hours{24});
  options.not_after = options.not_before + lifetime;
  auto identity = std::make_shared<Identity>();
  identity->dh = old.dh;
  identity->signing = old.signing;
  certify(*identity, provider, options);
  return identity;
}

bool verify_self_signature(Provider& provider, const Certificate& certificate, ByteView signature) {
  return provider.verify(certificate.sign_alg, certificate.sign_public, as_bytes(certificate_context),
                         encode_certificate(certificate), signature);
}

}  // namespace lattice
