#include <lattice/link/succession.hpp>

#include <algorithm>
#include <limits>

#include <lattice/base/assert.hpp>
#include <lattice/wire/reader.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice {

using enum ErrorCode;

static constexpr uint8_t chain_version = 1;

NodeId node_id_of(const IdentityKeys& keys) {
  Certificate certificate;
  certificate.sign_alg = keys.sign_alg;
  certificate.dh = keys.dh;
  certificate.sign_public = keys.sign_public;
  return node_id_of(certificate);
}

IdentityKeys keys_of(const Identity& identity) {
  const Certificate& certificate = identity.certificate;
  return {certificate.sign_alg, certificate.dh, certificate.sign_public};
}

static void write_keys(wire::Writer& writer, const IdentityKeys& keys) {
  ASSERT(keys.sign_public.size() == sign_sizes(keys.sign_alg).public_key);
  writer.u16(alg_x25519).u16(static_cast<uint16_t>(keys.sign_alg)).bytes(keys.dh).bytes(keys.sign_public);
}

static Result<IdentityKeys> read_keys(wire::Reader& reader) {
  TRY(dh_alg, reader.u16());
  TRY(id, reader.u16());
  const auto alg = static_cast<SignAlg>(id);
  if (dh_alg != alg_x25519 || (alg != SignAlg::mldsa65 && alg != SignAlg::mldsa87)) return fail(bad_succession, "algorithm");
  TRY(dh, reader.array<32>());
  TRY(sign_public, reader.bytes(sign_sizes(alg).public_key));
  return IdentityKeys{alg, dh, to_bytes(sign_public)};
}

static Result<WallTime> read_time(wire::Reader& reader) {
  TRY(seconds, reader.u64());
  // Not so late that sums with it overflow.
  if (seconds > uint64_t{1} << 40) return fail(bad_succession, "time");
  return wall_from_unix(static_cast<int64_t>(seconds));
}

Bytes succession_body(const Succession& succession) {
  wire::Writer writer;
  writer.u8(chain_version);
  write_keys(writer, succession.before);
  write_keys(writer, succession.after);
  writer.u64(static_cast<uint64_t>(unix_seconds(succession.made)));
  writer.u64(static_cast<uint64_t>(unix_seconds(succession.not_after)));
  return writer.take();
}

Succession make_succession(Provider& provider, const Identity& before, const Identity& after, WallTime now,
                           std::optional<WallTime> made_after) {
  Succession out{keys_of(before), keys_of(after), now, {}, {}, {}};
  if (made_after) out.made = std::max(out.made, *made_after + std::chrono::seconds{1});
  out.not_after = out.made + succession_lifetime;
  const Bytes body = succession_body(out);
  const auto sign = [&](const Identity& identity) {
    Secret<32> entropy;
    provider.rng().fill(entropy.span());
    return identity.signing->sign(as_bytes(succession_context), body, entropy);
  };
  out.before_signature = sign(before);
  out.after_signature = sign(after);
  return out;
}

Bytes encode_successions(const SuccessionChain& chain) {
  ASSERT(!chain.empty() && chain.size() <= succession_chain_max);
  wire::Writer writer;
  writer.u8(static_cast<uint8_t>(chain.size()));
  for (const Succession& succession : chain) {
    writer.bytes(succession_body(succession)).bytes(succession.before_signature).bytes(succession.after_signature);
  }
  return writer.take();
}

static Result<void> check_form(const Succession& succession) {
  const auto lifetime = succession.not_after - succession.made;
  if (lifetime <= lifetime.zero() || lifetime > succession_lifetime_max) return fail(bad_succession, "lifetime");
  // Who keeps a key that may be known to others has not changed keys.
  if (succession.before.dh == succession.after.dh || succession.before.sign_public == succession.after.sign_public) {
    return fail(bad_succession, "the same key");
  }
  return {};
}

static Result<Succession> read_succession(wire::Reader& reader) {
  Succession out;
  TRY(version, reader.u8());
  if (version != chain_version) return fail(bad_succession, "version");
  TRY(before, read_keys(reader));
  TRY(after, read_keys(reader));
  TRY(made, read_time(reader));
  TRY(not_after, read_time(reader));
  TRY(before_signature, reader.bytes(sign_sizes(before.sign_alg).signature));
  TRY(after_signature, reader.bytes(sign_sizes(after.sign_alg).signature));
  out = {std::move(before), std::move(after), made, not_after, to_bytes(before_signature), to_bytes(after_signature)};
  TRY_VOID(check_form(out));
  return out;
}

Result<SuccessionChain> decode_successions(ByteView bytes) {
  if (bytes.size() > limits::succession_bytes_max) return fail(too_large, "successions");
  wire::Reader reader(bytes);
  TRY(count, reader.u8());
  if (count == 0) return fail(bad_succession, "no statement");
  if (count > succession_chain_max) return fail(too_large, "number of statements");
  SuccessionChain chain;
  chain.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    TRY(succession, read_succession(reader));
    if (!chain.empty()) {
      if (succession.before != chain.back().after) return fail(bad_succession, "not of the one before");
      if (succession.made <= chain.back().made) return fail(bad_succession, "not later");
    }
    const bool circle = std::ranges::any_of(chain, [&](const Succession& s) { return s.before == succession.after; });
    if (circle) return fail(bad_succession, "a circle");
    chain.push_back(std::move(succession));
  }
  TRY_VOID(reader.end());
  return chain;
}

Result<void> check_succession(const Succession& succession, WallTime now) {
  if (succession.not_after <= now) return fail(certificate_expired, "succession");
  if (succession.made > now + succession_clock_tolerance) return fail(bad_time, "succession");
  return {};
}

std::vector<VerifyWork> succession_work(const Succession& succession) {
  const Bytes body = succession_body(succession);
  const auto work = [&](const IdentityKeys& keys, const Bytes& signature) {
    return VerifyWork{keys.sign_alg, keys.sign_public, to_bytes(as_bytes(succession_context)), body, signature};
  };
  return {work(succession.before, succession.before_signature), work(succession.after, succession.after_signature)};
}

Result<void> verify_succession(Provider& provider, const Succession& succession, WallTime now) {
  TRY_VOID(check_form(succession));
  TRY_VOID(check_succession(succession, now));
  for (const VerifyWork& work : succession_work(succession)) {
    if (!provider.verify(work.alg, work.public_key, work.context, work.message, work.signature)) {
      return fail(bad_signature, "succession");
    }
  }
  return {};
}

SuccessionChain chain_to(SuccessionChain chain, const NodeId& id, WallTime now) {
  const auto last = std::ranges::find(chain, id, [](const Succession& s) { return node_id_of(s.after); });
  if (last == chain.end()) return {};
  chain.erase(last + 1, chain.end());
  // What went before an expired one leads nowhere.
  const auto expired = std::find_if(chain.rbegin(), chain.rend(), [&](const Succession& s) { return s.not_after <= now; });
  chain.erase(chain.begin(), expired.base());
  return chain;
}

// --- who has become whom ---

bool Successions::knows(const NodeId& before, const NodeId& after) const {
  const auto found = after_.find(before);
  return found != after_.end() && found->second.node == after;
}

bool Successions::forked(const NodeId& id) const {
  const auto found = after_.find(id);
  return found != after_.end() && found->second.forked;
}

NodeId Successions::current(const NodeId& id) const {
  NodeId now = id;
  for (size_t step = 0; step < length_max; ++step) {
    const auto found = after_.find(now);
    if (found == after_.end() || found->second.forked) break;
    now = found->second.node;
  }
  return now;
}

std::vector<NodeId> Successions::ancestors(const NodeId& id) const {
  std::vector<NodeId> out;
  for (auto found = before_.find(id); found != before_.end() && out.size() < length_max; found = before_.find(out.back())) {
    out.push_back(found->second);
  }
  return out;
}

// Of the line that the two would join; above length_max where that would be a circle.
size_t Successions::length_through(const NodeId& before, const NodeId& after) const {
  size_t length = 2 + ancestors(before).size();
  NodeId now = after;
  for (size_t step = 0; step <= length_max; ++step) {
    if (now == before) return length_max + 1;
    const auto found = after_.find(now);
    if (found == after_.end()) return length + step;
    now = found->second.node;
  }
  return length_max + 1;
}

void Successions::erase(const NodeId& before) {
  const auto found = after_.find(before);
  ASSERT(found != after_.end());
  before_.erase(found->second.node);
  after_.erase(found);
}

bool Successions::make_room() {
  if (after_.size() < entries_max) return true;
  const auto worth = [](const auto& entry) { return std::pair(entry.second.pinned, entry.second.age); };
  const auto least = std::ranges::min_element(after_, {}, worth);
  if (least->second.pinned) return false;
  erase(NodeId{least->first});
  return true;
}

Successions::Added Successions::add(const NodeId& before, const NodeId& after, bool pinned) {
  if (const auto found = after_.find(before); found != after_.end()) {
    if (found->second.node == after) return Added::known;
    found->second.forked = true;
    return Added::forked;
  }
  if (const auto found = before_.find(after); found != before_.end()) {
    after_.at(found->second).forked = true;
    return Added::forked;
  }
  if (length_through(before, after) > length_max) return Added::refused;
  if (const auto found = before_.find(before); found != before_.end()) pinned |= after_.at(found->second).pinned;
  if (!make_room()) return Added::refused;
  after_[before] = {after, false, pinned, next_age_++};
  before_[after] = before;
  return Added::fresh;
}

}  // namespace lattice
