// First in, first out, in one piece of memory that an empty one does not have: a link has a dozen of them, and most are empty
// most of the time.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace lattice {

template <class T>
class Fifo {
 public:
  using iterator = typename std::vector<T>::iterator;
  using const_iterator = typename std::vector<T>::const_iterator;

  bool empty() const { return begin_ == items_.size(); }
  size_t size() const { return items_.size() - begin_; }
  T& front() { return items_[begin_]; }
  const T& front() const { return items_[begin_]; }
  T& back() { return items_.back(); }
  iterator begin() { return items_.begin() + offset(); }
  iterator end() { return items_.end(); }
  const_iterator begin() const { return items_.begin() + offset(); }
  const_iterator end() const { return items_.end(); }

  T& push_back(T item) {
    items_.push_back(std::move(item));
    return items_.back();
  }
  // Nothing where it is empty.
  std::optional<T> take_front() {
    std::optional<T> item;
    if (empty()) return item;
    item.emplace(std::move(items_[begin_]));
    ++begin_;
    trim();
    return item;
  }
  template <class... Arguments>
  void emplace_back(Arguments&&... arguments) {
    items_.emplace_back(std::forward<Arguments>(arguments)...);
  }
  void pop_front() {
    [[maybe_unused]] const T gone = std::move(items_[begin_]);  // what it holds goes now
    ++begin_;
    trim();
  }
  void erase(iterator at) {
    items_.erase(at);
    trim();
  }
  void clear() {
    items_ = {};
    begin_ = 0;
  }

 private:
  static constexpr size_t kept_bytes = 512, moved_min = 16;

  std::ptrdiff_t offset() const { return static_cast<std::ptrdiff_t>(begin_); }
  // Each item is moved once at most for each that went.
  void trim() {
    if (empty()) {
      if (items_.capacity() * sizeof(T) > kept_bytes) return clear();
      items_.clear();
      begin_ = 0;
    } else if (begin_ >= moved_min && begin_ * 2 >= items_.size()) {
      items_.erase(items_.begin(), begin());
      begin_ = 0;
    }
  }

  std::vector<T> items_;
  size_t begin_ = 0;
};

}  // namespace lattice
