// Who makes new blocks in a run, and how they spread. A maker works on its own tip: behind a partition, or before the news has
// come, that gives a rival branch.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include <lattice/sim/fleet.hpp>

namespace lattice::sim {

class BlockMaker {
 public:
  // `tip`: what the seeds hold at the start.
  BlockMaker(World& world, Fleet& fleet, const ChainKit& kit, const BlockRef& tip);

  // A block by a random node that can make one now. False: nobody can.
  bool make_one();
  // Until one branch is ahead of the other: the next block decides. Where no node that runs has the newest block on a sound
  // disk, whoever made it offers it again, with its ancestors.
  void settle();
  void on_chain_event(HostId host, const ChainEvent& event);
  void on_stop(size_t index) { set_at_newest(index, false); }

  const BlockRef& newest() const { return newest_; }
  size_t made() const { return main_.made + rival_.made; }
  size_t made_rivals() const { return rival_.made; }
  bool decided() const { return rival_.made == 0 || main_.made > rival_.made; }
  size_t at_newest() const { return at_newest_count_; }
  bool at_newest(size_t index) const { return at_newest_[index]; }
  uint64_t taken() const { return taken_; }  // bodies that nodes judged good and had not made themselves

  // Of each new block of the main branch: seconds until each honest node that was up had it, in order, and how many were up.
  struct Spread {
    std::vector<double> arrivals;
    size_t up = 0;
  };
  std::vector<Spread> spreads() const;

 private:
  struct Branch {
    const std::vector<FutureBlock>& blocks;
    size_t made = 0;
  };
  struct Place {
    bool main = true;
    size_t index = 0;
  };
  struct Made {
    Instant at{};
    std::vector<bool> up;
    std::vector<double> arrivals;
  };
  Branch* child_of(const BlockHash& tip);
  void make(HostId host, Branch& branch);
  void submit(HostId host, const FutureBlock& block);
  void set_at_newest(size_t index, bool at);
  bool anybody_can_give_newest() const;
  void offer(HostId host);
  bool contested() const;
  void find_newest();
  void on_tip(size_t index, const BlockRef& tip);
  BlockRef tip_of(size_t index) const;

  World& world_;
  Fleet& fleet_;
  BlockRef start_, newest_;
  Branch main_, rival_;
  std::unordered_map<BlockHash, Place> places_;  // looked up only
  std::vector<Made> made_;                       // of the main branch
  std::vector<size_t> reached_;                  // by node: how many of the main branch it had at most
  std::vector<bool> at_newest_;
  size_t at_newest_count_ = 0;
  uint64_t taken_ = 0;
};

}  // namespace lattice::sim
