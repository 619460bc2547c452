#include <lattice/sim/sim_store.hpp>

namespace lattice::sim {

Result<void> SimStore::commit(const Batch& batch) {
  if (failing_) return fail(ErrorCode::store_failed, "simulated disk");
  TRY_VOID(seen_.commit(batch));
  ++commits_;
  unsynced_.push_back(batch);
  while (!unsynced_.empty() && (batch.sync || unsynced_.size() > unsynced_batches_max)) {
    TRY_VOID(medium_.commit(unsynced_.front()));
    unsynced_.pop_front();
  }
  return {};
}

void SimStore::cut_power() {
  unsynced_.clear();
  seen_ = medium_;
}

}  // namespace lattice::sim
