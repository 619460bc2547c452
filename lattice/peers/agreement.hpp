// A claim that matters, held against many tellers: it counts when enough independent address groups agree.
//
// Whoever holds one address can hold a thousand identities, and whoever opens connections can open a thousand: so an address group
// has one voice, its newest, and those that we dialled are heard before those that came in:
//
//   1. What we dialled decides alone where it has groups_min groups or more: nobody else is counted.
//   2. With fewer, those that came in make up the number. Then the claim also needs more than half of the groups that we dialled,
//      and at least half of groups_min of them: those that came in carry nothing alone.
//
// In both cases: at least groups_min groups, and more than half of all that are counted.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/time.hpp>

namespace lattice {

struct AgreementLimits {
  size_t groups_min = 4;                      // that say the same; at least 1
  size_t voices_max = 256;                    // groups that are remembered; at least groups_min
  Duration lifetime = std::chrono::hours{3};  // of what was said
};

// How many voices are counted, and how many of them are for the claim.
struct Ballot {
  size_t counted = 0, counted_ours = 0;  // ours: groups that we dialled
  size_t in_favour = 0, in_favour_ours = 0;
};
bool carried(const AgreementLimits& limits, const Ballot& ballot);

// How far two numbers are from each other; never overflows.
uint64_t distance_of(int64_t a, int64_t b);

// One question, many answers.
template <class Value>
class Agreement {
 public:
  struct Agreed {
    Value value{};
    size_t groups = 0;  // in favour
  };

  explicit Agreement(const AgreementLimits& limits = {}) : limits_(limits) {}

  // `ours`: we dialled whoever says so. Against one that we dialled, one of the same group that came in is not heard.
  void say(const AddressGroup& group, bool ours, const Value& value, Instant now);

  // The value that the most groups name, where it is carried.
  std::optional<Agreed> exact(Instant now) const;
  // Of numbers: the middle one of those counted, where enough lie no further from it than `tolerance`.
  std::optional<Agreed> near(uint64_t tolerance, Instant now) const;
  // Of numbers that are claims of "at least": the greatest that enough groups reach. Few that boast move nothing.
  std::optional<Agreed> reached(Instant now) const;

  size_t size() const { return voices_.size(); }

 private:
  struct Voice {
    Value value{};
    bool ours = false;
    Instant said{};
  };
  bool heard(const Voice& voice, Instant now) const { return now - voice.said < limits_.lifetime; }
  std::vector<Voice> counted(Instant now) const;
  template <class For>
  std::optional<Agreed> decide(const std::vector<Voice>& voices, const Value& value, For in_favour) const;
  void make_room(bool ours, Instant now);

  AgreementLimits limits_;
  std::map<AddressGroup, Voice> voices_;
};

template <class Value>
void Agreement<Value>::say(const AddressGroup& group, bool ours, const Value& value, Instant now) {
  const auto found = voices_.find(group);
  if (found != voices_.end()) {
    if (found->second.ours && !ours && heard(found->second, now)) return;
    found->second = {value, ours, now};
    return;
  }
  if (voices_.size() >= limits_.voices_max) make_room(ours, now);
  if (voices_.size() < limits_.voices_max) voices_[group] = {value, ours, now};
}

// The oldest of those that came in goes, for one that we dialled, where there is none, the oldest of ours.
template <class Value>
void Agreement<Value>::make_room(bool ours, Instant now) {
  std::erase_if(voices_, [&](const auto& entry) { return !heard(entry.second, now); });
  if (voices_.size() < limits_.voices_max) return;
  const auto order = [](const auto& entry) { return std::pair(entry.second.ours, entry.second.said); };
  const auto oldest = std::ranges::min_element(voices_, {}, order);
  if (!oldest->second.ours || ours) voices_.erase(oldest);
}

template <class Value>
auto Agreement<Value>::counted(Instant now) const -> std::vector<Voice> {
  std::vector<Voice> out;
  size_t ours = 0;
  for (const auto& [group, voice] : voices_) {
    if (!heard(voice, now)) continue;
    out.push_back(voice);
    ours += voice.ours;
  }
  if (ours >= limits_.groups_min) std::erase_if(out, [](const Voice& voice) { return !voice.ours; });
  return out;
}

template <class Value>
template <class For>
auto Agreement<Value>::decide(const std::vector<Voice>& voices, const Value& value, For in_favour) const
    -> std::optional<Agreed> {
  Ballot ballot;
  for (const Voice& voice : voices) {
    const bool yes = in_favour(voice.value);
    ++ballot.counted;
    ballot.counted_ours += voice.ours;
    ballot.in_favour += yes;
    ballot.in_favour_ours += yes && voice.ours;
  }
  if (!carried(limits_, ballot)) return std::nullopt;
  return Agreed{value, ballot.in_favour};
}

template <class Value>
auto Agreement<Value>::exact(Instant now) const -> std::optional<Agreed> {
  const std::vector<Voice> voices = counted(now);
  std::map<Value, size_t> times;
  for (const Voice& voice : voices) ++times[voice.value];
  const auto most = std::ranges::max_element(times, {}, [](const auto& entry) { return entry.second; });
  if (most == times.end()) return std::nullopt;
  return decide(voices, most->first, [&](const Value& value) { return value == most->first; });
}

template <class Value>
auto Agreement<Value>::near(uint64_t tolerance, Instant now) const -> std::optional<Agreed> {
  std::vector<Voice> voices = counted(now);
  if (voices.empty()) return std::nullopt;
  std::ranges::sort(voices, {}, &Voice::value);
  const Value middle = voices[(voices.size() - 1) / 2].value;
  return decide(voices, middle, [&](const Value& value) { return distance_of(value, middle) <= tolerance; });
}

template <class Value>
auto Agreement<Value>::reached(Instant now) const -> std::optional<Agreed> {
  std::vector<Voice> voices = counted(now);
  std::ranges::sort(voices, std::ranges::greater{}, &Voice::value);
  for (const Voice& voice : voices) {
    auto agreed = decide(voices, voice.value, [&](const Value& value) { return value >= voice.value; });
    if (agreed) return agreed;
  }
  return std::nullopt;
}

}  // namespace lattice
