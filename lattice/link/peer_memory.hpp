// What a node remembers of its peers from one link to the next: the serials it has seen, certificates, tickets, and whom its
// chain or operator has revoked. A value without clock or lock; all links of a node share one. Bounded: the oldest goes.
#pragma once

#include <map>
#include <optional>

#include <lattice/base/fifo.hpp>
#include <lattice/link/ticket.hpp>

namespace lattice {

// A map of at most so many entries; a new one beyond that pushes out the one that came first.
template <class Key, class Value>
class BoundedMap {
 public:
  explicit BoundedMap(size_t entries_max) : entries_max_(entries_max) {}

  Value* find(const Key& key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second.value;
  }
  const Value* find(const Key& key) const { return const_cast<BoundedMap*>(this)->find(key); }
  void put(const Key& key, Value value) {
    if (Value* old = find(key)) {
      *old = std::move(value);
      return;
    }
    if (entries_.size() >= entries_max_) erase(by_age_.begin()->second);
    by_age_.emplace(next_age_, key);
    entries_.emplace(key, Entry{std::move(value), next_age_++});
  }
  void erase(Key key) {  // by value: it may be the entry's own
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    by_age_.erase(found->second.age);
    entries_.erase(found);
  }
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Value value;
    uint64_t age = 0;
  };
  size_t entries_max_;
  uint64_t next_age_ = 0;
  std::map<Key, Entry> entries_;
  std::map<uint64_t, Key> by_age_;
};

class PeerMemory {
 public:
  static constexpr size_t serials_max = 20'000;
  static constexpr size_t certificates_max = 1'000;
  static constexpr size_t tickets_max = 1'000;
  static constexpr size_t revoked_max = 20'000;

  // A certificate below this is an old one: it must not bring a weak suite back. 0: nothing seen.
  uint64_t serial_min(const NodeId& node) const;
  // After the node has proven itself under it. `self_signed`: its own signature has been verified too, so that suite 0x0021
  // may lean on it.
  void on_proven(const NodeId& node, const Certificate& certificate, ByteView body, bool self_signed);
  const Bytes* certificate_of(const NodeId& node) const;
  // Is this the certificate that `node` is remembered with, and was its own signature verified?
  bool self_signed(const NodeId& node, const CertHash& certificate) const;
  // It has another one by now.
  void forget_certificate(const NodeId& node);

  // The tickets of a revoked node die with it.
  void revoke(const NodeId& node);
  void unrevoke(const NodeId& node);
  bool revoked(const NodeId& node) const { return revoked_.find(node) != nullptr; }

  void keep(Ticket ticket);
  // For a dial: the ticket goes, whatever comes of it.
  std::optional<Ticket> take(const NodeId& peer, Now now);
  // For a caller that names it. Null: not here, not for a responder, too old, or no longer to be trusted.
  const Ticket* find(const TicketId& id, Now now) const;
  void burn(const TicketId& id) { accepted_.erase(id); }

 private:
  struct Known {
    Bytes body;
    CertHash hash;
    bool self_signed = false;
  };
  bool usable(const Ticket& ticket, Now now) const;

  BoundedMap<NodeId, uint64_t> serials_{serials_max};
  BoundedMap<NodeId, Known> certificates_{certificates_max};
  BoundedMap<NodeId, Ticket> dialled_{tickets_max};     // by the peer to dial
  BoundedMap<TicketId, Ticket> accepted_{tickets_max};  // by the id that a caller names
  BoundedMap<NodeId, bool> revoked_{revoked_max};
};

}  // namespace lattice
