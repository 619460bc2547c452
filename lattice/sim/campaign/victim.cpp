#include <lattice/sim/campaign/victim.hpp>

#include <algorithm>

namespace lattice::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration step = minutes{2};
constexpr size_t addresses_of_answer = 1000;  // GetAddresses is answered with so many at most
constexpr size_t honest_inbound = 40;
constexpr double honest_rate = 0.01;  // addresses a second that an honest peer tells without being asked
constexpr size_t names_forged = 64;
constexpr size_t dials_max = 2000;  // of one start: then nobody is there

// Who answers is no subject here: everybody shows an identity of its own.
NodeId node_of(const Endpoint& endpoint) {
  NodeId out;
  std::ranges::copy(endpoint.ip.bytes, out.bytes.begin());
  out.bytes[16] = static_cast<uint8_t>(endpoint.port);
  return out;
}

KnownAddress known(const Endpoint& endpoint, PeerSource source, int64_t last_seen) {
  KnownAddress out;
  out.endpoint = endpoint;
  out.source = source;
  out.services = 1;
  out.last_seen = last_seen;
  return out;
}

void add_names(Candidates& book, std::span<const Endpoint> names, PeerSource source, Now now, Rng& rng) {
  for (const Endpoint& name : names) book.add(known(name, source, unix_seconds(now.wall)), {}, now, rng);
}

}  // namespace

// Fills the plan's slots as the node does: anchors, then whom the book chooses, first with regard to the regions.
struct Victim::Dialer {
  const Victim& victim;
  const Candidates& book;
  Candidates* remembering;  // the same, where it is to learn what came of it
  SlotPlan& plan;
  std::map<ConnId, Endpoint>& links;
  uint64_t& last_conn;
  Now now;
  Rng& rng;
  std::set<Endpoint> failed{};

  SlotAddress address(const Endpoint& endpoint) const {
    return victim.population_.slot_address(endpoint, victim.scene_.defences.as_table);
  }
  bool linked(const Endpoint& endpoint) const {
    return std::ranges::any_of(links, [&](const auto& link) { return link.second == endpoint; });
  }
  void pass(Duration time) {
    now.mono += time;
    now.wall = wall_from_unix(unix_seconds(now.wall));
  }

  // Whether somebody answered.
  bool dial(const Endpoint& endpoint, SlotKind kind) {
    if (remembering) remembering->on_dialing(endpoint, now.mono);
    if (!victim.population_.answers(endpoint, now.mono, rng)) {
      pass(seconds{1});  // eight dials are under way at a time
      if (remembering) remembering->on_failed(endpoint, now.mono);
      failed.insert(endpoint);
      return false;
    }
    pass(milliseconds{200});
    if (remembering) remembering->on_answered(endpoint, node_of(endpoint), now);
    const ConnId conn{++last_conn};
    plan.add(conn, kind, address(endpoint), now.mono);
    links.emplace(conn, endpoint);
    return true;
  }

  std::optional<Endpoint> choose(SlotKind kind, Spread spread) {
    const auto pause = links.empty() ? AddressBook::pause_alone : AddressBook::pause_short;
    const auto chosen = book.choose(
        now.mono, pause,
        [&](const KnownAddress& candidate) {
          return !failed.contains(candidate.endpoint) && !linked(candidate.endpoint) &&
                 !plan.refusal(kind, address(candidate.endpoint),
                               candidate.source < PeerSource::peer_exchange ? Spread::any : spread);
        },
        rng);
    return chosen ? std::optional(chosen->endpoint) : std::nullopt;
  }

  // Those that were opened.
  std::vector<Endpoint> fill() {
    std::vector<Endpoint> opened;
    for (size_t dials = 0; dials < dials_max; ++dials) {
      const auto opening = plan.next(now.mono);
      if (!opening || opening->kind == SlotKind::feeler) break;
      std::optional<Endpoint> endpoint = opening->anchor;
      if (endpoint) {
        plan.anchor_tried(*endpoint);
        if (plan.refusal(opening->kind, address(*endpoint))) continue;
      } else {
        endpoint = choose(opening->kind, Spread::regions);
        if (!endpoint) endpoint = choose(opening->kind, Spread::any);
        if (!endpoint) break;
      }
      if (dial(*endpoint, opening->kind)) opened.push_back(*endpoint);
    }
    return opened;
  }
};

SlotLimits Victim::limits() const {
  SlotLimits out;
  if (!scene_.defences.diversity) out.per_group = out.per_as = out.connections_max;
  return out;
}

Victim::Victim(const Scene& scene, const Population& population, uint64_t seed)
    : scene_(scene),
      population_(population),
      rng_(seed),
      now_{Instant{} + hours{24 * 365}, wall_from_unix(1'800'000'000)},
      book_(scene.defences.buckets ? real_book(rng_, scene.capacity, scene.defences.test_first) : flat_list(scene.capacity)),
      plan_(limits()) {
  add_names(*book_, population_.seeds(), PeerSource::dns_signed, now_, rng_);  // a first start is not the subject
}

void Victim::live(Duration time, size_t tellers) {
  attacked_ = tellers > 0;
  for (Duration passed{}; passed < time; passed += step) {
    now_.mono += step;
    now_.wall += std::chrono::duration_cast<seconds>(step);
    leave_links();
    Dialer dialer{*this, *book_, book_.get(), plan_, links_, last_conn_, now_, rng_};
    for (const Endpoint& peer : dialer.fill()) answer_question(peer);
    if (scene_.defences.feelers) feeler();
    listen(tellers);
  }
}

// An honest peer goes when nobody is there any more, and else once in a day; the attacker stays.
void Victim::leave_links() {
  for (auto it = links_.begin(); it != links_.end();) {
    const Endpoint peer = it->second;
    const bool gone =
        !Population::is_hostile(peer) && (!population_.is_there(peer, now_.mono) || rng_.unit() < seconds_of(step) / 86'400);
    if (!gone) {
      book_->on_connected(peer, now_);
      ++it;
      continue;
    }
    plan_.remove(it->first);
    it = links_.erase(it);
  }
}

void Victim::feeler() {
  const auto chosen = book_->choose_feeler(
      now_.mono, [&](const KnownAddress& candidate) { return !plan_.refusal(SlotKind::feeler, {candidate.endpoint, 0, {}}); },
      rng_);
  if (!chosen) return;
  book_->on_dialing(chosen->endpoint, now_.mono);
  if (population_.answers(chosen->endpoint, now_.mono, rng_))
    book_->on_answered(chosen->endpoint, node_of(chosen->endpoint), now_);
  else
    book_->on_failed(chosen->endpoint, now_.mono);
}

void Victim::hear(const Endpoint& told, const IpAddress& teller) {
  const Instant seen = population_.last_there(told, now_.mono);
  const auto ago = std::chrono::duration_cast<seconds>(now_.mono - seen).count();
  book_->add(known(told, PeerSource::peer_exchange, unix_seconds(now_.wall) - ago), teller, now_, rng_);
}

// What an honest peer tells of.
Endpoint Victim::rumour() {
  const bool hostile = attacked_ && !population_.hostile().empty() && rng_.unit() < scene_.attack.gossip;
  return population_.any(hostile ? population_.hostile() : population_.honest(), rng_);
}

// What the attacker tells of.
Endpoint Victim::lie() {
  return rng_.unit() < scene_.attack.trash ? Population::trash(rng_) : population_.any(population_.hostile(), rng_);
}

void Victim::answer_question(const Endpoint& peer) {
  const bool hostile = Population::is_hostile(peer);
  for (size_t i = 0; i < addresses_of_answer; ++i) hear(hostile ? lie() : rumour(), peer.ip);
}

void Victim::listen(size_t tellers) {
  const double honest = honest_rate * seconds_of(step) * static_cast<double>(honest_inbound + links_.size());
  for (double i = rng_.unit(); i < honest; ++i) hear(rumour(), population_.any(population_.honest(), rng_).ip);
  for (size_t i = 0; i < tellers; ++i) {
    const Endpoint teller = population_.any(population_.hostile(), rng_);
    hear(teller, teller.ip);  // who takes connections is told of by coming in
    Allowance hearsay{10, 0.1};
    for (Duration at{}; at < step; at += seconds{1}) {
      // Ten messages of addresses a second are tried, where nothing limits them two come through.
      const bool taken = hearsay.take(1, now_.mono + at);
      const int more = scene_.defences.rate_limit ? int{taken} : 2;
      for (int k = 0; k < more; ++k) hear(lie(), teller.ip);
    }
  }
}

void Victim::end() {
  anchors_ = plan_.anchors([](ConnId) { return true; });
  book_ = book_->restarted(now_, rng_);
  book_with_names_ = book_->restarted(now_, rng_);
  if (!scene_.attack.forges_names) {
    add_names(*book_with_names_, population_.seeds(), PeerSource::dns_signed, now_, rng_);
  } else if (!scene_.defences.operator_keys) {
    const auto& own = population_.hostile();
    add_names(*book_with_names_, std::span(own).first(std::min(own.size(), names_forged)), PeerSource::dns_unsigned, now_,
              rng_);
  }
}

Victim::Start Victim::start(const std::vector<Endpoint>& anchors, SeededRng& rng) const {
  const Defences& defences = scene_.defences;
  const bool names = defences.seeds && rng.unit() < scene_.names_answer;
  const bool kept = defences.anchors && rng.unit() < scene_.anchors_kept;
  SlotPlan plan(limits(), kept ? std::span<const Endpoint>(anchors) : std::span<const Endpoint>());
  std::map<ConnId, Endpoint> links;
  uint64_t last_conn = 0;
  const Candidates& book = names ? *book_with_names_ : *book_;
  Dialer{*this, book, nullptr, plan, links, last_conn, {now_.mono + minutes{1}, now_.wall}, rng}.fill();
  Start out;
  for (const auto& [conn, peer] : links) ++out.taken, out.hostile += Population::is_hostile(peer);
  out.anchors = plan.anchors([](ConnId) { return true; });
  return out;
}

}  // namespace lattice::sim
