#include <lattice/discovery/announcement.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/wire/reader.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {

using enum ErrorCode;

static constexpr uint8_t announcement_version = 1;
static constexpr size_t endpoint_bytes = 18;

static bool well_formed(const Endpoint& endpoint) { return endpoint.port != 0 && !endpoint.ip.is_unspecified(); }

static Result<void> check_lifetime(const AnnouncementHead& head) {
  if (head.expires <= head.issued || head.expires - head.issued > announcement_lifetime_max) return fail(bad_value, "lifetime");
  return {};
}

static Bytes encode_body(const Announcement& announcement) {
  const AnnouncementHead& head = announcement.head;
  ASSERT(!announcement.endpoints.empty() && announcement.endpoints.size() <= announcement_endpoints_max);
  ASSERT(announcement.keys.sign_public.size() == sign_sizes(announcement.keys.sign_alg).public_key);
  wire::Writer writer;
  writer.u8(announcement_version).bytes(head.chain.view()).bytes(head.node.view()).u64(head.sequence);
  writer.u64(static_cast<uint64_t>(unix_seconds(head.issued))).u64(static_cast<uint64_t>(unix_seconds(head.expires)));
  writer.u64(announcement.services).u8(static_cast<uint8_t>(announcement.endpoints.size()));
  for (const Endpoint& endpoint : announcement.endpoints) writer.bytes(endpoint.ip.bytes).u16(endpoint.port);
  writer.u16(alg_x25519).u16(static_cast<uint16_t>(announcement.keys.sign_alg));
  writer.bytes(announcement.keys.dh).bytes(announcement.keys.sign_public);
  return writer.take();
}

Announcement make_announcement(Provider& provider, const Identity& identity, const ChainId& chain, uint64_t sequence,
                               WallTime issued, WallTime expires, uint64_t services, std::vector<Endpoint> endpoints) {
  ASSERT(std::ranges::all_of(endpoints, well_formed));
  Announcement out{{chain, identity.id, sequence, issued, expires}, services, std::move(endpoints), keys_of(identity), {}};
  ASSERT(check_lifetime(out.head));
  Secret<32> entropy;
  provider.rng().fill(entropy.span());
  out.signature = identity.signing->sign(as_bytes(announcement_context), encode_body(out), entropy);
  return out;
}

Bytes encode_announcement(const Announcement& announcement) {
  ASSERT(announcement.signature.size() == sign_sizes(announcement.keys.sign_alg).signature);
  Bytes out = encode_body(announcement);
  append(out, announcement.signature);
  return out;
}

static Result<WallTime> read_time(wire::Reader& reader) {
  TRY(seconds, reader.u64());
  // Not so late that sums with it overflow.
  if (seconds > uint64_t{1} << 40) return fail(bad_value, "time");
  return wall_from_unix(static_cast<int64_t>(seconds));
}

static Result<AnnouncementHead> read_head(wire::Reader& reader) {
  TRY(version, reader.u8());
  if (version == 0) return fail(bad_value, "announcement version");
  if (version > announcement_version) return fail(wrong_version, "announcement");
  AnnouncementHead head;
  TRY(chain, reader.id<ChainId>());
  TRY(node, reader.id<NodeId>());
  TRY(sequence, reader.u64());
  TRY(issued, read_time(reader));
  TRY(expires, read_time(reader));
  head = {chain, node, sequence, issued, expires};
  TRY_VOID(check_lifetime(head));
  return head;
}

Result<AnnouncementHead> read_announcement_head(ByteView bytes) {
  if (bytes.size() > limits::announcement_bytes_max) return fail(too_large, "announcement");
  wire::Reader reader(bytes);
  return read_head(reader);
}

static Result<std::vector<Endpoint>> read_endpoints(wire::Reader& reader) {
  TRY(count, reader.u8());
  if (count == 0) return fail(bad_value, "no endpoint");
  if (count > announcement_endpoints_max) return fail(too_large, "number of endpoints");
  if (reader.remaining() < count * endpoint_bytes) return fail(truncated, "endpoints");
  std::vector<Endpoint> out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    TRY(ip, reader.array<16>());
    TRY(port, reader.u16());
    const Endpoint endpoint{IpAddress{ip}, port};
    if (!well_formed(endpoint)) return fail(bad_value, "endpoint");
    if (std::ranges::find(out, endpoint) != out.end()) return fail(not_canonical, "an endpoint twice");
    out.push_back(endpoint);
  }
  return out;
}

static Result<IdentityKeys> read_keys(wire::Reader& reader) {
  TRY(dh_alg, reader.u16());
  TRY(id, reader.u16());
  const auto alg = static_cast<SignAlg>(id);
  if (dh_alg != alg_x25519 || (alg != SignAlg::mldsa65 && alg != SignAlg::mldsa87)) return fail(bad_value, "algorithm");
  TRY(dh, reader.array<32>());
  // What is left is exactly the key and the signature of this algorithm, or nothing is copied.
  const SignSizes sizes = sign_sizes(alg);
  if (reader.remaining() < sizes.public_key + sizes.signature) return fail(truncated, "key and signature");
  if (reader.remaining() > sizes.public_key + sizes.signature) return fail(trailing_bytes, "key and signature");
  TRY(sign_public, reader.bytes(sizes.public_key));
  return IdentityKeys{alg, dh, to_bytes(sign_public)};
}

Result<Announcement> decode_announcement(ByteView bytes) {
  if (bytes.size() > limits::announcement_bytes_max) return fail(too_large, "announcement");
  wire::Reader reader(bytes);
  TRY(head, read_head(reader));
  TRY(services, reader.u64());
  TRY(endpoints, read_endpoints(reader));
  TRY(keys, read_keys(reader));
  return Announcement{head, services, std::move(endpoints), std::move(keys), to_bytes(reader.rest())};
}

Result<void> check_announcement_id(const Announcement& announcement) {
  if (node_id_of(announcement.keys) != announcement.head.node) return fail(contradiction, "keys of another node");
  return {};
}

VerifyWork announcement_work(const Announcement& announcement, ByteView bytes) {
  ASSERT(bytes.size() > announcement.signature.size());
  const ByteView body = bytes.first(bytes.size() - announcement.signature.size());
  return {announcement.keys.sign_alg, announcement.keys.sign_public, to_bytes(as_bytes(announcement_context)), to_bytes(body),
          announcement.signature};
}

}  // namespace lattice
