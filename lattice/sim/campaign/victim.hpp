// The node that a campaign is against: its address book and its slots, in virtual time.
#pragma once

#include <map>
#include <set>

#include <lattice/peers/allowance.hpp>
#include <lattice/sim/campaign/campaign.hpp>
#include <lattice/sim/campaign/candidates.hpp>

namespace lattice::sim {

class Victim {
 public:
  Victim(const Scene& scene, const Population& population, uint64_t seed);

  // Two minutes at a time: links end and others are dialled, a feeler goes out, peers tell of addresses. `tellers`: inbound slots
  // that the attacker has; none before it begins. Each is given up and taken again once in two minutes, for another address of
  // its own, and tells as much as the limit lets it.
  void live(Duration time, size_t tellers);
  // The node ends: its book is written and read, its anchors are those of now.
  void end();

  struct Start {
    size_t taken = 0, hostile = 0;  // own slots
    std::vector<Endpoint> anchors;  // of the next start
  };
  // After end(). The book stays as it is: who did not answer is not asked again during this start.
  Start start(const std::vector<Endpoint>& anchors, SeededRng& rng) const;

  const std::vector<Endpoint>& anchors() const { return anchors_; }
  Candidates::Shares hostile_shares() const { return book_->hostile_shares(); }

 private:
  struct Dialer;
  SlotLimits limits() const;
  void leave_links();
  void feeler();
  void listen(size_t tellers);
  void hear(const Endpoint& told, const IpAddress& teller);
  Endpoint rumour();
  Endpoint lie();
  void answer_question(const Endpoint& peer);

  const Scene& scene_;
  const Population& population_;
  SeededRng rng_;
  Now now_;
  std::unique_ptr<Candidates> book_;
  std::unique_ptr<Candidates> book_with_names_;  // after end(): with what DNS says
  SlotPlan plan_;
  std::map<ConnId, Endpoint> links_;
  std::vector<Endpoint> anchors_;
  uint64_t last_conn_ = 0;
  bool attacked_ = false;
};

}  // namespace lattice::sim
