// A map of a few entries in one piece of memory, in the order of their keys: walked far more often than changed. Unlike
// std::map's, iterators and references end with the next change.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include <lattice/base/assert.hpp>

namespace lattice {

template <class Key, class Value>
class FlatMap {
 public:
  using value_type = std::pair<Key, Value>;
  using iterator = typename std::vector<value_type>::iterator;
  using const_iterator = typename std::vector<value_type>::const_iterator;

  iterator begin() { return entries_.begin(); }
  iterator end() { return entries_.end(); }
  const_iterator begin() const { return entries_.begin(); }
  const_iterator end() const { return entries_.end(); }
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }

  iterator find(const Key& key) { return found(entries_, key); }
  const_iterator find(const Key& key) const { return found(entries_, key); }
  bool contains(const Key& key) const { return find(key) != end(); }
  Value& at(const Key& key) {
    const auto entry = find(key);
    ASSERT(entry != end());
    return entry->second;
  }
  // False beside an entry that was there already.
  std::pair<iterator, bool> try_emplace(const Key& key) {
    // Most keys are the greatest so far.
    auto place =
        empty() || entries_.back().first < key ? end() : std::ranges::lower_bound(entries_, key, {}, &value_type::first);
    if (place != end() && place->first == key) return {place, false};
    place = entries_.insert(place, value_type(key, Value{}));
    return {place, true};
  }
  Value& operator[](const Key& key) { return try_emplace(key).first->second; }
  size_t erase(const Key& key) {
    const auto entry = find(key);
    if (entry == end()) return 0;
    entries_.erase(entry);
    return 1;
  }
  void erase(iterator entry) { entries_.erase(entry); }

 private:
  static auto found(auto& entries, const Key& key) {
    const auto place = std::ranges::lower_bound(entries, key, {}, &value_type::first);
    return place != entries.end() && place->first == key ? place : entries.end();
  }

  std::vector<value_type> entries_;
};

}  // namespace lattice
