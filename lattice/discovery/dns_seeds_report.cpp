// What is said of the seeds, and what is kept of them over a restart.
#include <algorithm>
#include <utility>

#include <lattice/base/assert.hpp>
#include <lattice/discovery/dns_seeds.hpp>

namespace lattice {

std::string_view outcome_name(DnsOutcome outcome) {
  switch (outcome) {
    case DnsOutcome::none: return "none";
    case DnsOutcome::failed: return "failed";
    case DnsOutcome::empty: return "empty";
    case DnsOutcome::rejected: return "rejected";
    case DnsOutcome::stale: return "stale";
    case DnsOutcome::conflict: return "conflict";
    case DnsOutcome::alone: return "alone";
    case DnsOutcome::agreed: return "agreed";
  }
  return "unknown";
}

DnsOutcome DnsSeeds::outcome(const Row& row) const {
  if (!row.answered || row.busy()) return DnsOutcome::none;
  if (row.report.failed) return DnsOutcome::failed;
  if (!row.group) return row.report.outcome;
  const Group& group = groups_[*row.group];
  if (row.conflict) return DnsOutcome::conflict;
  if (!row.report.is_signed) return row.stale ? DnsOutcome::stale : DnsOutcome::rejected;
  if (row.stale || !group.best || row.report.sequence != group.best->sequence) return DnsOutcome::stale;
  const bool agreed = std::ranges::any_of(rows_, [&](const Row& other) {
    return &other != &row && other.group == row.group && other.answered && other.report.is_signed && other.body == row.body;
  });
  return agreed ? DnsOutcome::agreed : DnsOutcome::alone;
}

std::vector<DnsReport> DnsSeeds::report() const {
  std::vector<DnsReport> out;
  for (const auto& row : rows_) {
    DnsReport report = row.report;
    report.outcome = outcome(row);
    if (row.group) {
      report.statement = groups_[*row.group].operators.statement();
      const bool used = report.outcome == DnsOutcome::alone || report.outcome == DnsOutcome::agreed;
      report.used = used ? report.listed : 0;
    }
    out.push_back(std::move(report));
  }
  return out;
}

Result<void> DnsSeeds::load(ByteView stored) {
  TRY(records, decode_seed_memory(stored, chain_));
  others_.clear();
  for (auto& record : records) {
    const auto group = std::ranges::find_if(groups_, [&](const Group& g) { return g.operators.root() == record.root; });
    if (group != groups_.end()) {
      group->operators.restore(record);
    } else {
      others_.push_back(std::move(record));
    }
  }
  return {};
}

void DnsSeeds::on_tick(Now now) {
  for (auto& group : groups_) changed_ |= group.operators.on_tick(now);
}

std::optional<Bytes> DnsSeeds::poll_save() {
  if (!std::exchange(changed_, false)) return std::nullopt;
  std::vector<SeedRecord> records;
  for (const auto& group : groups_) {
    if (records.size() < seed_records_max) records.push_back(group.operators.record());
  }
  for (const auto& record : others_) {
    if (records.size() < seed_records_max) records.push_back(record);
  }
  return encode_seed_memory(std::move(records), chain_);
}

}  // namespace lattice
