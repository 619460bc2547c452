// What chooses whom to dial in a campaign: the node's own address book, or the baseline that it is measured against.
#pragma once

#include <memory>

#include <lattice/discovery/address_book.hpp>

namespace lattice::sim {

class Candidates {
 public:
  using Usable = AddressBook::Usable;
  virtual ~Candidates() = default;
  virtual void add(const KnownAddress& address, const IpAddress& teller, Now now, Rng& rng) = 0;
  virtual void on_dialing(const Endpoint& endpoint, Instant now) = 0;
  virtual void on_answered(const Endpoint& endpoint, const NodeId& node, Now now) = 0;
  virtual void on_connected(const Endpoint& endpoint, Now now) = 0;
  virtual void on_failed(const Endpoint& endpoint, Instant now) = 0;
  virtual std::optional<KnownAddress> choose(Instant now, Duration pause_limit, const Usable& usable, Rng& rng) const = 0;
  virtual std::optional<KnownAddress> choose_feeler(Instant now, const Usable& usable, Rng& rng) = 0;
  // As the node finds it when it starts again: written to a file and read from it.
  virtual std::unique_ptr<Candidates> restarted(Now now, Rng& rng) const = 0;
  // Of those that answered, and of those that were only heard of, the attacker's share.
  struct Shares {
    double tried = 0, heard = 0;
  };
  virtual Shares hostile_shares() const = 0;
};

// `test_first` false: who has an address's place in `tried` goes without a test.
std::unique_ptr<Candidates> real_book(Rng& rng, size_t capacity, bool test_first);
// One list, chosen from uniformly. Where it is full, a random one goes.
std::unique_ptr<Candidates> flat_list(size_t capacity);

}  // namespace lattice::sim
