#include <lattice/sim/sim_store.hpp>

#include <algorithm>
#include <utility>

namespace lattice::sim {

static size_t index_of(Column column) { return static_cast<size_t>(column); }

void SimStore::change(Column column, const Bytes& key, Value value, std::vector<Before>& undo) {
  auto& changes = changes_[index_of(column)];
  const auto [place, fresh] = changes.try_emplace(key);
  undo.push_back({column, key, fresh ? std::optional<Value>{} : std::optional<Value>{std::move(place->second)}});
  place->second = std::move(value);
  damaged_[index_of(column)].erase(key);
}

Result<void> SimStore::commit(const Batch& batch) {
  if (failing_) return fail(ErrorCode::store_failed, "SimStore::commit");
  ++commits_;
  std::vector<Before> undo;
  for (const auto& put : batch.puts) change(put.column, put.key, put.value, undo);
  for (const auto& erase : batch.erases) change(erase.column, erase.key, std::nullopt, undo);
  if (batch.sync && !lying_) {
    unsynced_.clear();
    return {};
  }
  unsynced_.push_back(std::move(undo));
  if (unsynced_.size() > unsynced_batches_max) unsynced_.pop_front();
  return {};
}

Result<std::optional<SharedBytes>> SimStore::read(Column column, ByteView key) const {
  const Bytes wanted = to_bytes(key);
  if (damaged_[index_of(column)].contains(wanted)) return fail(ErrorCode::store_failed, "SimStore::read");
  const auto& changes = changes_[index_of(column)];
  if (const auto found = changes.find(wanted); found != changes.end()) return found->second;
  return base_ ? base_->read(column, key) : Value{};
}

// The base and what has changed, merged in key order.
Result<void> SimStore::scan(Column column, const std::function<bool(ByteView, ByteView)>& visit) const {
  const auto& changes = changes_[index_of(column)];
  const auto& damaged = damaged_[index_of(column)];
  auto change = changes.begin();
  bool good = true, wanted = true;
  const auto give = [&](ByteView key, ByteView value) {
    good = damaged.empty() || !damaged.contains(to_bytes(key));
    wanted = good && visit(key, value);
    return wanted;
  };
  const auto give_changes = [&](const std::optional<ByteView>& before) {
    for (; wanted && change != changes.end(); ++change) {
      if (before && !std::ranges::lexicographical_compare(change->first, *before)) return;
      if (change->second) give(change->first, change->second->view());
    }
  };
  if (base_) {
    const auto read = base_->scan(column, [&](ByteView key, ByteView value) {
      give_changes(key);
      if (!wanted) return false;
      if (change != changes.end() && equal(change->first, key)) {
        const auto& covered = *change++;
        return !covered.second || give(covered.first, covered.second->view());
      }
      return give(key, value);
    });
    if (!read) return read;
  }
  give_changes(std::nullopt);
  if (!good) return fail(ErrorCode::store_failed, "SimStore::scan");
  return {};
}

void SimStore::cut_power() {
  for (; !unsynced_.empty(); unsynced_.pop_back()) {
    auto& undo = unsynced_.back();
    for (auto before = undo.rbegin(); before != undo.rend(); ++before) {
      auto& changes = changes_[index_of(before->column)];
      if (before->value) {
        changes[before->key] = std::move(*before->value);
      } else {
        changes.erase(before->key);
      }
    }
  }
}

size_t SimStore::flip_bits(double share, Rng& rng) {
  size_t count = 0;
  for (const Column column : {Column::meta, Column::headers, Column::bodies, Column::peers}) {
    auto& damaged = damaged_[index_of(column)];
    std::vector<Bytes> hit;
    const auto fresh = [&](ByteView key, ByteView) {
      if (rng.unit() < share) hit.push_back(to_bytes(key));
      return true;
    };
    // What is damaged already is not counted twice.
    const auto before = std::exchange(damaged, {});
    (void)scan(column, fresh);
    damaged = before;
    for (auto& key : hit) count += damaged.insert(std::move(key)).second;
  }
  return count;
}

bool SimStore::damaged() const {
  return std::ranges::any_of(damaged_, [](const auto& keys) { return !keys.empty(); });
}

}  // namespace lattice::sim
