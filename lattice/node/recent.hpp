// The newest N values: whether one was seen, in bounded memory.
#pragma once

#include <cstddef>
#include <deque>
#include <set>

namespace lattice {

template <class T>
class Recent {
 public:
  explicit Recent(size_t count_max) : count_max_(count_max) {}

  // False: was there already.
  bool insert(const T& value) {
    if (!values_.insert(value).second) return false;
    order_.push_back(value);
    if (order_.size() > count_max_) {
      values_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }
  bool contains(const T& value) const { return values_.contains(value); }
  size_t size() const { return order_.size(); }

 private:
  size_t count_max_;
  std::set<T> values_;
  std::deque<T> order_;
};

}  // namespace lattice
