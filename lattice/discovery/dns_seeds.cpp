#include <lattice/discovery/dns_seeds.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace lattice {

DnsSeeds::DnsSeeds(std::vector<DnsSeed> seeds, ChainId chain, uint16_t default_port)
    : chain_(chain), default_port_(default_port) {
  for (auto& seed : seeds) {
    Row row;
    row.report.name = seed.name;
    row.seed = std::move(seed);
    rows_.push_back(std::move(row));
  }
}

DnsSeeds::Found DnsSeeds::on_answer(size_t seed, const DnsAnswer& answer, WallTime now) {
  Row& row = rows_[seed];
  row.open = false;
  row.candidates.clear();
  row.report = {.name = row.seed.name,
                .failed = answer.failed,
                .detail = answer.detail,
                .addresses = answer.addresses.size(),
                .services = answer.services.size(),
                .texts = answer.texts.size(),
                .listed = 0,
                .is_signed = false,
                .rejected = {},
                .seconds = seconds_of(answer.elapsed)};
  return row.seed.operators.empty() ? use_unsigned(row, answer) : use_lists(row, answer, now);
}

DnsSeeds::Found DnsSeeds::use_unsigned(const Row&, const DnsAnswer& answer) const {
  Found found;
  const auto take = [&](const Endpoint& endpoint) {
    if (endpoint.port == 0 || endpoint.ip.is_unspecified()) return;
    if (std::ranges::find(found.peers, endpoint, &SeedPeer::endpoint) != found.peers.end()) return;
    found.peers.push_back({endpoint, std::nullopt, PeerSource::dns_unsigned});
  };
  for (size_t i = 0; i < std::min(answer.services.size(), services_max); ++i) take(answer.services[i]);
  for (size_t i = 0; i < std::min(answer.addresses.size(), addresses_max); ++i) take({answer.addresses[i], default_port_});
  return found;
}

// Every list that could be good, newest first: whoever can add a record to an answer must not be able to push the real list
// out. One answer costs at most seed_signatures_max checks.
DnsSeeds::Found DnsSeeds::use_lists(Row& row, const DnsAnswer& answer, WallTime now) const {
  Error rejected{ErrorCode::none, ""};
  for (size_t i = 0; i < std::min(answer.texts.size(), texts_max); ++i) {
    if (!answer.texts[i].starts_with(seed_list_prefix)) continue;  // some other use of TXT
    auto list = parse_seed_list(answer.texts[i]);
    if (!list) {
      rejected = list.error();
      continue;
    }
    auto chosen = check_seed_list(*list, chain_, row.seed.operators, row.seed.threshold, now, row.sequence);
    if (!chosen) {
      rejected = chosen.error();
      continue;
    }
    const auto newest_first = [](const Candidate& candidate) { return candidate.list.sequence; };
    const auto place = std::ranges::upper_bound(row.candidates, list->sequence, std::greater{}, newest_first);
    row.candidates.insert(place, {std::move(*list), std::move(*chosen)});
  }
  if (row.candidates.empty() && !row.report.failed) {
    row.report.rejected = rejected.code == ErrorCode::none ? "no seed list: unsigned answers of this seed are ignored"
                                                           : std::string(error_name(rejected.code)) + ": " + rejected.where;
  }
  return check_signatures(row);
}

DnsSeeds::Found DnsSeeds::check_signatures(Row& row) {
  Found found;
  size_t taken = 0;
  for (const Candidate& candidate : row.candidates) {
    if (found.work.size() + candidate.chosen.size() > seed_signatures_max) break;
    const Bytes body = seed_list_body(candidate.list);
    for (const size_t index : candidate.chosen) {
      const SeedSignature& signature = candidate.list.signatures[index];
      found.work.push_back(
          {signature.alg, signature.public_key, to_bytes(as_bytes(seed_list_context)), body, signature.signature});
    }
    ++taken;
  }
  row.candidates.resize(taken);
  return found;
}

// The newest list whose chosen signatures are all valid.
std::vector<SeedPeer> DnsSeeds::on_verified(size_t seed, const std::vector<bool>& valid) {
  Row& row = rows_[seed];
  std::vector<SeedPeer> peers;
  const auto candidates = std::exchange(row.candidates, {});
  size_t at = 0;
  for (const auto& [list, chosen] : candidates) {
    size_t good = 0;
    for (size_t i = 0; i < chosen.size() && at < valid.size(); ++i) good += valid[at++] ? 1 : 0;
    if (good < chosen.size()) {
      row.report.rejected = std::string(error_name(ErrorCode::unknown_operator)) + ": " + std::to_string(good) + " of " +
                            std::to_string(row.seed.threshold) + " signatures are valid";
      continue;
    }
    row.sequence = list.sequence;
    row.report.is_signed = true;
    row.report.listed = list.entries.size();
    row.report.rejected.clear();
    for (const auto& entry : list.entries) peers.push_back({entry.endpoint, entry.node, PeerSource::dns_signed});
    break;
  }
  return peers;
}

bool DnsSeeds::busy() const {
  return std::ranges::any_of(rows_, [](const Row& row) { return row.open || !row.candidates.empty(); });
}

std::vector<DnsReport> DnsSeeds::report() const {
  std::vector<DnsReport> out;
  for (const auto& row : rows_) out.push_back(row.report);
  return out;
}

}  // namespace lattice
