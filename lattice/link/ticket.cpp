#include <lattice/link/ticket.hpp>

#include <algorithm>

namespace lattice {

TicketKeys derive_ticket(const Secret<32>& chaining_key, const Digest& handshake_hash) {
  Bytes input = to_bytes(as_bytes("lattice/1/resume"));
  append(input, handshake_hash);
  const Hkdf keys = hkdf(HashAlg::blake2s, chaining_key, input, 2);
  TicketKeys out;
  out.psk = keys.first;
  std::ranges::copy(keys.second.view().first(ticket_id_bytes), out.id.begin());
  return out;
}

bool ticket_good(const Ticket& ticket, Now now) {
  const bool fresh = now.mono - ticket.made < ticket_age_max && now.mono - ticket.signed_at < ticket_chain_age_max;
  return fresh && now.wall < ticket.certificate.not_after;
}

}  // namespace lattice
