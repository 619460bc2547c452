#include <lattice/sim/block_maker.hpp>

#include <algorithm>

namespace lattice::sim {

BlockMaker::BlockMaker(World& world, Fleet& fleet, const ChainKit& kit, const BlockRef& tip)
    : world_(world),
      fleet_(fleet),
      start_(tip),
      newest_(tip),
      main_{kit.future},
      rival_{kit.branch},
      reached_(fleet.size()),
      at_newest_(fleet.size()) {
  for (size_t i = 0; i < kit.future.size(); ++i) places_[kit.future[i].ref.hash] = {true, i};
  for (size_t i = 0; i < kit.branch.size(); ++i) places_[kit.branch[i].ref.hash] = {false, i};
}

BlockRef BlockMaker::tip_of(size_t index) const { return world_.tip(*fleet_.host(index)).block; }

// The branch whose next block stands on `tip` and is not made yet.
BlockMaker::Branch* BlockMaker::child_of(const BlockHash& tip) {
  const auto next_on = [&](Branch& branch, size_t next) {
    return branch.made == next && next < branch.blocks.size() ? &branch : nullptr;
  };
  if (tip == start_.hash) {
    Branch* const first = next_on(main_, 0);
    return first ? first : next_on(rival_, 0);
  }
  const auto place = places_.find(tip);
  if (place == places_.end()) return nullptr;
  return next_on(place->second.main ? main_ : rival_, place->second.index + 1);
}

bool BlockMaker::make_one() {
  const size_t first = world_.rng().below(fleet_.size());
  for (size_t i = 0; i < fleet_.size(); ++i) {
    const size_t index = (first + i) % fleet_.size();
    if (!fleet_.loaded(index)) continue;
    Branch* const branch = child_of(tip_of(index).hash);
    if (!branch) continue;
    make(*fleet_.host(index), *branch);
    return true;
  }
  return false;
}

void BlockMaker::make(HostId host, Branch& branch) {
  const FutureBlock& block = branch.blocks[branch.made++];
  if (&branch == &main_) {
    Made made{world_.now(), std::vector<bool>(fleet_.size()), {}};
    for (size_t i = 0; i < fleet_.size(); ++i) made.up[i] = fleet_.running(i);
    made_.push_back(std::move(made));
  }
  find_newest();
  submit(host, block);
}

void BlockMaker::submit(HostId host, const FutureBlock& block) {
  --taken_;
  world_.make_block(host, block.header, block.block);
}

void BlockMaker::set_at_newest(size_t index, bool at) {
  if (at_newest_[index] == at) return;
  at_newest_[index] = at;
  at ? ++at_newest_count_ : --at_newest_count_;
}

void BlockMaker::find_newest() {
  if (made() == 0) return;
  const Branch& best = main_.made >= rival_.made ? main_ : rival_;
  newest_ = best.blocks[best.made - 1].ref;
  for (size_t i = 0; i < fleet_.size(); ++i) set_at_newest(i, fleet_.loaded(i) && tip_of(i) == newest_);
}

void BlockMaker::offer(HostId host) {
  const Branch& best = main_.made >= rival_.made ? main_ : rival_;
  for (size_t i = 0; i < best.made; ++i) submit(host, best.blocks[i]);
}

// What is damaged may be the only copy of a block.
bool BlockMaker::anybody_can_give_newest() const {
  for (size_t i = 0; i < fleet_.size(); ++i)
    if (at_newest_[i] && !world_.store(*fleet_.host(i)).damaged()) return true;
  return false;
}

// Somebody stands on another block that counts as much, such as an attacker's.
bool BlockMaker::contested() const {
  for (size_t i = 0; i < fleet_.size(); ++i) {
    if (!fleet_.loaded(i)) continue;
    const BlockRef tip = tip_of(i);
    if (tip.height >= newest_.height && tip.hash != newest_.hash) return true;
  }
  return false;
}

void BlockMaker::settle() {
  const size_t first = world_.rng().below(fleet_.size());
  for (size_t i = 0; i < fleet_.size(); ++i) {
    const size_t index = (first + i) % fleet_.size();
    if (!fleet_.loaded(index) || tip_of(index).height < start_.height) continue;
    const HostId host = *fleet_.host(index);
    if ((!decided() || contested()) && main_.made < main_.blocks.size()) {
      offer(host);
      return make(host, main_);
    }
    if (made() > 0 && !anybody_can_give_newest()) offer(host);
    return;
  }
}

void BlockMaker::on_chain_event(HostId host, const ChainEvent& event) {
  const auto index = fleet_.index_of(host);
  if (!index) return;
  if (const auto* changed = std::get_if<TipChanged>(&event)) return on_tip(*index, changed->tip.block);
  const auto* verdict = std::get_if<BlockVerdict>(&event);
  if (verdict && verdict->error.code == ErrorCode::none) ++taken_;
}

void BlockMaker::on_tip(size_t index, const BlockRef& tip) {
  set_at_newest(index, tip == newest_);
  const auto place = places_.find(tip.hash);
  if (place == places_.end() || !place->second.main) return;
  const size_t reached = std::min(place->second.index + 1, made_.size());
  for (size_t& next = reached_[index]; next < reached; ++next) {
    Made& made = made_[next];
    if (made.up[index]) made.arrivals.push_back(seconds_of(world_.now() - made.at));
  }
}

std::vector<BlockMaker::Spread> BlockMaker::spreads() const {
  std::vector<Spread> out;
  for (const auto& made : made_) out.push_back({made.arrivals, static_cast<size_t>(std::ranges::count(made.up, true))});
  return out;
}

}  // namespace lattice::sim
