// Who answers at an address, as others say. One who says it may lie, to have an address taken for one of a peer that is there already, or
// of one that is banned; so it counts when enough address groups agree (peers/agreement.hpp).
//
// Memory: the newest addresses_max addresses of which anything was said, with voices_max groups each.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include <lattice/base/ids.hpp>
#include <lattice/peers/agreement.hpp>

namespace lattice {

class RecordVoices {
 public:
  static constexpr size_t addresses_max = 1024, voices_max = 8;

  void say(const Endpoint& at, const NodeId& node, const AddressGroup& teller, bool ours, Instant now) {
    auto found = records_.find(at);
    if (found == records_.end()) {
      if (order_.size() == addresses_max) {
        records_.erase(order_.front());
        order_.pop_front();
      }
      order_.push_back(at);
      found = records_.emplace(at, Agreement<NodeId>({.voices_max = voices_max})).first;
    }
    found->second.say(teller, ours, node, now);
  }
  std::optional<NodeId> agreed(const Endpoint& at, Instant now) const {
    const auto found = records_.find(at);
    if (found == records_.end()) return std::nullopt;
    const auto agreed = found->second.exact(now);
    return agreed ? std::optional(agreed->value) : std::nullopt;
  }
  size_t size() const { return records_.size(); }

 private:
  std::map<Endpoint, Agreement<NodeId>> records_;
  std::deque<Endpoint> order_;
};

}  // namespace lattice
