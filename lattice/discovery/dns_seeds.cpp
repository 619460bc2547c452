#include <lattice/discovery/dns_seeds.hpp>

#include <algorithm>
#include <functional>
#include <utility>

#include <lattice/base/assert.hpp>

namespace lattice {

DnsSeeds::DnsSeeds(std::vector<DnsSeed> seeds, ChainId chain, uint16_t default_port)
    : chain_(chain), default_port_(default_port) {
  for (auto& seed : seeds) {
    Row row;
    row.report.name = seed.name;
    if (!seed.operators.empty()) {
      SeedOperators operators(make_operator_set(seed.operators, seed.threshold));
      const auto same = [&](const Group& group) { return group.operators.root() == operators.root(); };
      const auto found = std::ranges::find_if(groups_, same);
      row.group = static_cast<size_t>(found - groups_.begin());
      if (found == groups_.end()) groups_.push_back({std::move(operators), std::nullopt});
    }
    row.seed = std::move(seed);
    rows_.push_back(std::move(row));
  }
}

void DnsSeeds::begin_round() {
  hurried_ = false;
  given_.clear();
  for (auto& group : groups_) group.best.reset();
  for (auto& row : rows_) {
    row.answered = row.stale = row.conflict = false;
    row.offer = {};
  }
}

void DnsSeeds::on_asked(size_t seed) {
  if (!busy()) begin_round();
  rows_[seed].open = true;
}

void DnsSeeds::begin_answer(Row& row, const DnsAnswer& answer, WallTime now) {
  if (!std::exchange(row.open, false) && !busy()) begin_round();
  end_answer(row);
  row.answered = true;
  row.stale = row.conflict = false;
  row.answered_at = now;
  row.checks = row.statements_checked = 0;
  row.report = {};
  row.report.name = row.seed.name;
  row.report.failed = answer.failed;
  row.report.detail = answer.detail;
  row.report.addresses = answer.addresses.size();
  row.report.services = answer.services.size();
  row.report.texts = answer.texts.size();
  row.report.seconds = seconds_of(answer.elapsed);
}

DnsSeeds::Found DnsSeeds::on_answer(size_t seed, const DnsAnswer& answer, WallTime now) {
  Row& row = rows_[seed];
  begin_answer(row, answer, now);
  if (!row.group) {
    row.offer = offer_of(seed, answer);
    return {collect(), {}};
  }
  read_texts(row, answer);
  return next_step(row);
}

SeedOffer DnsSeeds::offer_of(size_t seed, const DnsAnswer& answer) const {
  SeedOffer offer;
  offer.seed = seed;
  const auto take = [&](const Endpoint& endpoint) {
    if (endpoint.port == 0 || endpoint.ip.is_unspecified()) return;
    if (std::ranges::find(offer.endpoints, endpoint) == offer.endpoints.end()) offer.endpoints.push_back(endpoint);
  };
  for (size_t i = 0; i < std::min(answer.services.size(), services_max); ++i) take(answer.services[i]);
  for (size_t i = 0; i < std::min(answer.addresses.size(), addresses_max); ++i) take({answer.addresses[i], default_port_});
  return offer;
}

void DnsSeeds::reject(Row& row, const Error& error) {
  row.report.rejected = std::string(error_name(error.code)) + ": " + error.where;
}

void DnsSeeds::read_texts(Row& row, const DnsAnswer& answer) {
  for (size_t i = 0; i < std::min(answer.texts.size(), texts_max); ++i) {
    const std::string& text = answer.texts[i];
    if (text.starts_with(operator_set_prefix)) {
      auto statement = parse_operator_statement(text);
      if (!statement) {
        reject(row, statement.error());
      } else {
        row.statements.push_back(std::move(*statement));
      }
    } else if (text.starts_with(seed_list_prefix)) {  // anything else is some other use of TXT
      auto list = parse_seed_list(text);
      if (!list) {
        reject(row, list.error());
      } else {
        row.lists.push_back(std::move(*list));
      }
    }
  }
  std::ranges::stable_sort(row.statements, std::greater{}, &OperatorStatement::sequence);
  std::ranges::stable_sort(row.lists, std::greater{}, &SeedList::sequence);
}

// Who signs comes before what is signed. One answer costs at most seed_signatures_max checks, all steps together.
DnsSeeds::Found DnsSeeds::next_step(Row& row) {
  Found found;
  if (choose_statement(row, found)) return found;
  choose_lists(row, found);
  if (!found.work.empty()) return found;
  end_answer(row);
  found.peers = collect();
  return found;
}

// The newest statement that those who sign now have signed. One that follows on another waits for it.
bool DnsSeeds::choose_statement(Row& row, Found& found) {
  const SeedOperators& operators = groups_[*row.group].operators;
  for (auto at = row.statements.begin(); at != row.statements.end(); ++at) {
    const auto chosen = check_operator_statement(*at, chain_, operators.root(), operators.set(), operators.statement());
    if (!chosen) {
      // An old one stays in the zone for those who have not seen it yet: no fault.
      if (at->sequence > operators.statement()) reject(row, chosen.error());
      continue;
    }
    const size_t limit = row.statements_checked == 0 ? seed_signatures_max : statement_checks_max;
    if (row.checks + chosen->size() > limit) continue;
    add_signature_work(found.work, at->signatures, *chosen, operator_set_context, operator_statement_body(*at));
    row.checks += chosen->size();
    ++row.statements_checked;
    row.checking = std::move(*at);
    row.checked_under = operators.statement();
    row.statements.erase(at);
    return true;
  }
  return false;
}

// Every list that could be good, newest first: whoever can add a record to an answer must not be able to push the real list
// out.
void DnsSeeds::choose_lists(Row& row, Found& found) {
  const SeedOperators& operators = groups_[*row.group].operators;
  row.candidates.clear();
  row.checked_under = operators.statement();
  for (const SeedList& list : row.lists) {
    if (list.chain == chain_ && operators.is_stale(list.sequence)) {
      row.stale = true;
      reject(row, {ErrorCode::seed_list_expired, "seed list older than one seen"});
      continue;
    }
    auto chosen = check_seed_list(list, chain_, operators.set().operators, operators.set().threshold, row.answered_at);
    if (!chosen) {
      reject(row, chosen.error());
      continue;
    }
    if (row.checks + chosen->size() > seed_signatures_max) break;
    row.checks += chosen->size();
    add_signature_work(found.work, list.signatures, *chosen, seed_list_context, seed_list_body(list));
    row.candidates.push_back({list, std::move(*chosen)});
  }
  if (row.candidates.empty() && !row.report.failed && !row.report.is_signed && row.report.rejected.empty())
    row.report.rejected = "no seed list: unsigned answers of this seed are ignored";
}

// The newest list whose chosen signatures are all valid; or a statement, after which the lists are looked at anew.
DnsSeeds::Found DnsSeeds::on_verified(size_t seed, const std::vector<bool>& valid) {
  Row& row = rows_[seed];
  if (!row.checking && row.candidates.empty()) return {};
  Group& group = groups_[*row.group];
  const auto candidates = std::exchange(row.candidates, {});
  // Another seed's statement came first: what was chosen for the operators before does not count.
  const bool outdated = row.checked_under != group.operators.statement();
  if (auto statement = std::exchange(row.checking, std::nullopt)) {
    const bool good = !valid.empty() && std::ranges::all_of(valid, std::identity{});
    if (!good) reject(row, {ErrorCode::unknown_operator, "a signature of the operators' statement is not valid"});
    if (good && outdated) {
      row.statements.insert(row.statements.begin(), std::move(*statement));
    } else if (good) {
      changed_ |= group.operators.on_statement(*statement);
      group.best.reset();
      row.report.rejected.clear();
    }
    return next_step(row);
  }
  if (outdated) return next_step(row);
  size_t at = 0;
  for (const auto& [list, chosen] : candidates) {
    size_t good = 0;
    for (size_t i = 0; i < chosen.size() && at < valid.size(); ++i) good += valid[at++] ? 1 : 0;
    if (good < chosen.size()) {
      row.report.rejected = std::string(error_name(ErrorCode::unknown_operator)) + ": " + std::to_string(good) + " of " +
                            std::to_string(chosen.size()) + " signatures are valid";
      continue;
    }
    take_list(row, list);
    break;
  }
  end_answer(row);
  return {collect(), {}};
}

void DnsSeeds::take_list(Row& row, const SeedList& list) {
  Group& group = groups_[*row.group];
  row.report.is_signed = true;
  row.report.listed = list.entries.size();
  row.report.sequence = list.sequence;
  row.report.rejected.clear();
  row.body = blake2s(seed_list_body(list));
  // Another provider was faster with a newer one.
  if (group.operators.is_stale(list.sequence)) {
    row.stale = true;
    return;
  }
  changed_ |= group.operators.on_list(list);
  if (group.best && group.best->sequence == list.sequence) {
    row.conflict = group.best->body != row.body;
    return;
  }
  Best best{list.sequence, row.body, {}, false};
  for (const auto& entry : list.entries) best.peers.push_back({entry.endpoint, entry.node, PeerSource::dns_signed});
  group.best = std::move(best);
}

void DnsSeeds::end_answer(Row& row) {
  row.statements.clear();
  row.lists.clear();
  row.candidates.clear();
  row.checking.reset();
}

bool DnsSeeds::waits_for(std::optional<size_t> group) const {
  return !hurried_ && std::ranges::any_of(rows_, [&](const Row& row) { return row.group == group && row.busy(); });
}

std::vector<SeedPeer> DnsSeeds::collect() {
  std::vector<SeedPeer> peers;
  for (size_t i = 0; i < groups_.size(); ++i) {
    auto& best = groups_[i].best;
    if (!best || best->given || waits_for(i)) continue;
    best->given = true;
    peers.insert(peers.end(), best->peers.begin(), best->peers.end());
  }
  if (!waits_for(std::nullopt)) collect_offers(peers);
  return peers;
}

void DnsSeeds::collect_offers(std::vector<SeedPeer>& peers) {
  std::vector<SeedOffer> offers;
  bool complete = true;
  for (const Row& row : rows_) {
    if (row.group) continue;
    complete &= !row.open;
    if (row.answered) offers.push_back(row.offer);
  }
  const MergedOffers merged = merge_offers(offers, complete);
  for (const auto& outcome : merged.outcomes) {
    Row& row = rows_[outcome.seed];
    row.report.used = outcome.used;
    row.report.dropped = outcome.dropped;
    row.report.outcome = row.offer.endpoints.empty()                        ? DnsOutcome::empty
                         : 2 * outcome.shared >= row.offer.endpoints.size() ? DnsOutcome::agreed
                                                                            : DnsOutcome::alone;
  }
  for (const auto& endpoint : merged.endpoints) {
    if (given_.insert(endpoint).second) peers.push_back({endpoint, std::nullopt, PeerSource::dns_unsigned});
  }
}

std::vector<SeedPeer> DnsSeeds::release() {
  hurried_ = true;
  return collect();
}

bool DnsSeeds::busy() const {
  return std::ranges::any_of(rows_, [](const Row& row) { return row.busy(); });
}

}  // namespace lattice
