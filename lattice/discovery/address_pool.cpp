#include <lattice/discovery/address_pool.hpp>

#include <algorithm>

namespace lattice {
namespace {

// Slots are given by this process: nobody chooses them, they only need to be spread.
uint64_t slot_hash(uint32_t slot) { return (uint64_t{slot} + 1) * 0x9e3779b97f4a7c15; }

// What a vector that may hold `most` grows to: by a half, not twofold, and never beyond.
template <class T>
void make_room(std::vector<T>& entries, size_t most) {
  if (entries.size() == entries.capacity()) entries.reserve(std::min(most, std::max<size_t>(16, entries.size() * 3 / 2)));
}

}  // namespace

AddressPool::AddressPool(const PlaceLayout& layout) : layout_(layout) {
  ASSERT(layout.places() <= SlotIndex::slot_max && layout.bucket_places <= UINT8_MAX);
}

void AddressPool::begin() {
  if (!new_.empty()) return;
  index_ = SlotIndex(layout_.places());
  new_.resize(layout_.new_places());
  tried_.resize(layout_.tried_places());
  new_counts_.resize(layout_.new_buckets);
  tried_counts_.resize(layout_.tried_buckets);
}

uint32_t AddressPool::find(const Endpoint& endpoint, const AddressPlaces::Mark& mark) const {
  touch();
  return index_.find(mark.index, [&](uint32_t slot) {
    touch();
    return entries_[slot].port == endpoint.port && entries_[slot].ip == endpoint.ip.bytes;
  });
}

uint32_t AddressPool::insert(const Endpoint& endpoint, const AddressPlaces::Mark& mark) {
  begin();
  if (free_ == none && entries_.size() >= layout_.places()) return none;
  const uint32_t slot = free_ != none ? free_ : static_cast<uint32_t>(entries_.size());
  touch();
  if (!index_.insert(mark.index, slot)) return none;
  touch();
  if (free_ != none) {
    free_ = entries_[slot].head;
  } else {
    make_room(entries_, layout_.places());
    entries_.emplace_back();
  }
  PoolEntry& entry = entries_[slot] = PoolEntry{};
  entry.ip = endpoint.ip.bytes;
  entry.port = endpoint.port;
  entry.network = static_cast<uint8_t>(network_of(endpoint.ip));
  entry.head = none;
  entry.live = 1;
  ++size_;
  return slot;
}

void AddressPool::erase(uint32_t slot, const AddressPlaces::Mark& mark) {
  PoolEntry& entry = at(slot);
  ASSERT(entry.live && entry.refs == 0 && !entry.tried);
  drop_node(slot);
  touch();
  index_.erase(mark.index, slot);
  entry = PoolEntry{};
  entry.head = free_;
  free_ = slot;
  --size_;
}

PoolEntry& AddressPool::at(uint32_t slot) {
  ASSERT(slot < entries_.size());
  return entries_[slot];
}
const PoolEntry& AddressPool::at(uint32_t slot) const {
  ASSERT(slot < entries_.size());
  return entries_[slot];
}

// The place, and the entry that the caller then looks at.
uint32_t AddressPool::at_new(uint32_t place) const {
  if (new_.empty()) return none;
  touch();
  const uint32_t slot = new_[place].slot;
  if (slot != none) touch();
  return slot;
}
uint32_t AddressPool::at_tried(uint32_t place) const {
  if (tried_.empty()) return none;
  touch();
  const uint32_t slot = tried_[place];
  if (slot != none) touch();
  return slot;
}
uint32_t AddressPool::new_count(uint32_t bucket) const {
  touch();
  return new_counts_.empty() ? 0 : new_counts_[bucket];
}
uint32_t AddressPool::tried_count(uint32_t bucket) const {
  touch();
  return tried_counts_.empty() ? 0 : tried_counts_[bucket];
}

void AddressPool::put_new(uint32_t place, uint32_t slot) {
  PoolEntry& entry = at(slot);
  ASSERT(new_[place].slot == none && entry.live && !entry.tried);
  new_[place] = {slot, entry.head};
  entry.head = place;
  entry.refs = entry.refs + 1;
  ++new_counts_[place / layout_.bucket_places];
  ++new_count_;
}

void AddressPool::put_tried(uint32_t place, uint32_t slot) {
  PoolEntry& entry = at(slot);
  ASSERT(tried_[place] == none && entry.live && !entry.tried && entry.refs == 0);
  tried_[place] = slot;
  entry.head = place;
  entry.tried = 1;
  ++tried_counts_[place / layout_.bucket_places];
  ++tried_count_;
}

void AddressPool::take_new(uint32_t place) {
  PoolEntry& entry = at(new_[place].slot);
  if (entry.head == place) {
    entry.head = new_[place].next;
  } else {
    uint32_t before = entry.head;
    for (; new_[before].next != place; before = new_[before].next) touch();
    new_[before].next = new_[place].next;
  }
  new_[place] = {};
  entry.refs = entry.refs - 1;
  --new_counts_[place / layout_.bucket_places];
  --new_count_;
}

void AddressPool::take_tried(uint32_t place) {
  PoolEntry& entry = at(tried_[place]);
  tried_[place] = none;
  entry.head = none;
  entry.tried = 0;
  --tried_counts_[place / layout_.bucket_places];
  --tried_count_;
}

void AddressPool::take_all(uint32_t slot) {
  if (at(slot).tried) take_tried(at(slot).head);
  while (at(slot).refs > 0) take_new(at(slot).head);
}

std::vector<uint32_t> AddressPool::new_places_of(uint32_t slot) const {
  std::vector<uint32_t> out;
  if (at(slot).tried) return out;
  for (uint32_t place = at(slot).head; place != none; place = new_[place].next) out.push_back(place);
  return out;
}

uint32_t AddressPool::node_at(uint32_t slot) const {
  if (!at(slot).has_node) return none;
  touch();
  const uint32_t found = node_index_.find(slot_hash(slot), [&](uint32_t i) {
    touch();
    return nodes_[i].slot == slot;
  });
  ASSERT(found != none);
  return found;
}

std::optional<NodeId> AddressPool::node(uint32_t slot) const {
  const uint32_t found = node_at(slot);
  return found == none ? std::nullopt : std::optional(nodes_[found].node);
}

bool AddressPool::set_node(uint32_t slot, const NodeId& node, bool hearsay) {
  if (const uint32_t found = node_at(slot); found != none) {
    nodes_[found].node = node;
    return true;
  }
  const size_t most = nodes_max(layout_);
  if (nodes_.size() >= (hearsay ? most / 2 : most)) return false;
  if (nodes_.empty()) node_index_ = SlotIndex(most);
  if (!node_index_.insert(slot_hash(slot), static_cast<uint32_t>(nodes_.size()))) return false;
  make_room(nodes_, most);
  nodes_.push_back({node, slot});
  at(slot).has_node = 1;
  return true;
}

void AddressPool::drop_node(uint32_t slot) {
  const uint32_t found = node_at(slot);
  if (found == none) return;
  node_index_.erase(slot_hash(slot), found);
  at(slot).has_node = 0;
  const auto last = static_cast<uint32_t>(nodes_.size() - 1);
  if (found != last) {
    node_index_.erase(slot_hash(nodes_[last].slot), last);
    nodes_[found] = nodes_[last];
    ASSERT(node_index_.insert(slot_hash(nodes_[found].slot), found));
  }
  nodes_.pop_back();
}

size_t AddressPool::memory_bytes() const {
  return entries_.capacity() * sizeof(PoolEntry) + index_.memory_bytes() + new_.capacity() * sizeof(NewPlace) +
         tried_.capacity() * sizeof(U24) + new_counts_.capacity() + tried_counts_.capacity();
}
size_t AddressPool::node_bytes() const { return node_index_.memory_bytes() + nodes_.capacity() * sizeof(NodeEntry); }

}  // namespace lattice
