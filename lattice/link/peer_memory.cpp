#include <lattice/link/peer_memory.hpp>

namespace lattice {

uint64_t PeerMemory::serial_min(const NodeId& node) const {
  const uint64_t* serial = serials_.find(node);
  return serial == nullptr ? 0 : *serial;
}

void PeerMemory::on_proven(const NodeId& node, const Certificate& certificate, ByteView body, bool self_signed) {
  if (certificate.serial > serial_min(node)) serials_.put(node, certificate.serial);
  const CertHash hash = certificate_hash(body);
  Known* known = certificates_.find(node);
  if (known != nullptr && known->hash == hash) {
    known->self_signed |= self_signed;
    return;
  }
  certificates_.put(node, {to_bytes(body), hash, self_signed});
}

const Bytes* PeerMemory::certificate_of(const NodeId& node) const {
  const Known* known = certificates_.find(node);
  return known == nullptr ? nullptr : &known->body;
}

bool PeerMemory::self_signed(const NodeId& node, const CertHash& certificate) const {
  const Known* known = certificates_.find(node);
  return known != nullptr && known->self_signed && known->hash == certificate;
}

void PeerMemory::forget_certificate(const NodeId& node) { certificates_.erase(node); }

void PeerMemory::revoke(const NodeId& node) {
  revoked_.put(node, true);
  dialled_.erase(node);
}

void PeerMemory::unrevoke(const NodeId& node) { revoked_.erase(node); }

void PeerMemory::keep(Ticket ticket) {
  if (ticket.role == Role::initiator) {
    const NodeId peer = ticket.peer;
    dialled_.put(peer, std::move(ticket));
  } else {
    const TicketId id = ticket.id;
    accepted_.put(id, std::move(ticket));
  }
}

bool PeerMemory::usable(const Ticket& ticket, Now now) const {
  return ticket_good(ticket, now) && !revoked(ticket.peer) && ticket.certificate.serial >= serial_min(ticket.peer);
}

std::optional<Ticket> PeerMemory::take(const NodeId& peer, Now now) {
  Ticket* found = dialled_.find(peer);
  if (found == nullptr) return std::nullopt;
  std::optional<Ticket> ticket(std::move(*found));
  dialled_.erase(peer);
  if (!usable(*ticket, now)) return std::nullopt;
  return ticket;
}

const Ticket* PeerMemory::find(const TicketId& id, Now now) const {
  const Ticket* ticket = accepted_.find(id);
  return ticket != nullptr && usable(*ticket, now) ? ticket : nullptr;
}

}  // namespace lattice
