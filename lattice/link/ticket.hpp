// What two nodes keep of an ended handshake, so that their next one needs no signature: a secret that works once.
#pragma once

#include <optional>

#include <lattice/base/ids.hpp>
#include <lattice/base/time.hpp>
#include <lattice/crypto/hash.hpp>
#include <lattice/link/hello.hpp>
#include <lattice/link/identity.hpp>
#include <lattice/link/role.hpp>

namespace lattice {

constexpr Duration ticket_age_max = std::chrono::hours{12};
// Of a chain of resumptions, from the handshake with signatures that it began with.
constexpr Duration ticket_chain_age_max = std::chrono::hours{24};

struct Ticket {
  TicketId id{};
  Secret<32> psk;
  Role role = Role::initiator;  // our own, then and again
  Suite suite = Suite::xxhfs_chacha;
  NodeId own, peer;
  Certificate certificate;  // the peer's
  Instant made{}, signed_at{};
};

// From the final chaining key and handshake hash, both: a certificate may copy another's X25519 key, and then `ck` alone would
// not say between whom it is. The id is public and says nothing of the key.
struct TicketKeys {
  TicketId id{};
  Secret<32> psk;
};
TicketKeys derive_ticket(const Secret<32>& chaining_key, const Digest& handshake_hash);

// May it still begin a link now? Neither too old, nor its chain, nor the peer's certificate.
bool ticket_good(const Ticket& ticket, Now now);

}  // namespace lattice
