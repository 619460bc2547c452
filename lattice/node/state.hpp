// What a Node holds, and the steps that its inputs are made of. Each group has its own file:
// connections.cpp, inbound.cpp, dialing.cpp, outbound.cpp, learned_selection.cpp, channel.cpp, handlers_*.cpp (one a subject),
// chain_dialogue.cpp, discovery_dialogue.cpp, stored_addresses.cpp, stored_bans.cpp, claims.cpp, budgets.cpp, attacks.cpp, recheck.cpp, tip_alarm.cpp,
// crawling.cpp, timers.cpp, report.cpp.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include <lattice/discovery/address_book.hpp>
#include <lattice/discovery/address_cache.hpp>
#include <lattice/discovery/announcements.hpp>
#include <lattice/discovery/dns_seeds.hpp>
#include <lattice/link/peer_memory.hpp>
#include <lattice/link/succession.hpp>
#include <lattice/node/node.hpp>
#include <lattice/node/peer.hpp>
#include <lattice/node/recent.hpp>
#include <lattice/peers/agreement.hpp>
#include <lattice/peers/attack_watch.hpp>
#include <lattice/peers/backoff.hpp>
#include <lattice/peers/perigee.hpp>
#include <lattice/peers/record_voices.hpp>
#include <lattice/peers/reputation.hpp>
#include <lattice/peers/size_estimate.hpp>
#include <lattice/peers/slots.hpp>
#include <lattice/sync/block_download.hpp>
#include <lattice/sync/header_sync.hpp>

namespace lattice {

constexpr wire::ChannelId main_channel = 1;
constexpr size_t left_max = 64;
constexpr size_t consensus_judging_max = 1024;
constexpr size_t consensus_seen_max = 8192;
constexpr size_t recent_blocks_max = 64;
constexpr size_t measured_messages_max = 64;
constexpr size_t unasked_addresses_max = 10;
constexpr size_t successions_judging_max = 64;    // with their bytes, at a worker
constexpr size_t questions_max = 8;               // dials to ask who is there
constexpr size_t announcements_judging_max = 64;  // with their bytes, at a worker
// Of messages begun and not ended, over all links. One link alone may hold limits::reassembly_bytes_max; a hundred of them may
// not.
constexpr size_t held_bytes_max = 64 * 1024 * 1024;
constexpr Duration tick_interval = std::chrono::seconds{1};
constexpr Duration dns_patience = std::chrono::seconds{30};         // the resolver's own limits end long before
constexpr Duration providers_patience = std::chrono::seconds{2};    // of answers for those of other providers, to be compared
constexpr Duration round_patience = std::chrono::seconds{15};       // for addresses from DNS, before the bootstrap list is used
constexpr Duration unhurried_dns_pause = std::chrono::seconds{60};  // while somebody is connected
constexpr Duration unread_patience = std::chrono::seconds{60};      // for a peer that does not take what it asked for
constexpr Duration block_timer_step = std::chrono::milliseconds{100};
constexpr Duration vain_choice_pause = std::chrono::seconds{10};  // nobody was found for a feeler, or in another's place
constexpr Duration security_log_pause = std::chrono::seconds{10};
constexpr uint64_t handshake_flood_min = 100;  // first messages asked to solve in that time: one busy honest group is no attack

// What an answer of the world or the chain belongs to.
struct ForHeaders {
  ConnId conn;
};
struct ForBlock {
  ConnId conn;
  BlockRef block;
  size_t bytes = 0;
};
struct ForConsensus {
  ConnId conn;
  SharedBytes message;
};
struct ForFindHeaders {
  ConnId conn;
};
struct ForMissing {
  size_t count = 0;
  uint64_t generation = 0;
};
struct ForBody {
  ConnId conn;
};
struct ForSeed {
  size_t seed = 0;
};
struct ForLocalBlock {};
struct ForSuccession {
  ConnId conn;
  std::vector<std::pair<NodeId, NodeId>> steps;  // before, after
};
// By whom a record came, each with a budget of its own for what is passed on: its own node, a peer that this node chose, one that
// came in by itself.
enum class AnnouncementOrigin : uint8_t { own_word, outbound, inbound };
struct ForAnnouncement {
  IpAddress teller;
  AnnouncementOrigin origin = AnnouncementOrigin::inbound;
  Digest digest{};  // of the bytes
  SharedBytes bytes;
  Announcement record;
};
using Pending = std::variant<ForHeaders, ForBlock, ForConsensus, ForFindHeaders, ForMissing, ForBody, ForSeed, ForLocalBlock,
                             ForSuccession, ForAnnouncement>;

// A peer that the operator gave: dialled again whenever it is gone.
struct Kept {
  KnownPeer peer;
  std::optional<NodeId> answered;  // who answered there
  std::optional<ConnId> conn;
  Backoff backoff{std::chrono::seconds{1}, std::chrono::seconds{60}};
  Instant next_try{};
};

// Somebody else answers where this one was expected.
struct Question {
  Endpoint endpoint;
  NodeId expected;
  PeerSource source = PeerSource::operator_given;
};

struct Node::State {
  State(NodeConfig node_config, Provider& crypto, LogSink& sink);

  // connections.cpp
  Peer* find(ConnId conn);
  Peer* find_alive(ConnId conn);
  Peer& add_peer(const Endpoint& remote, bool inbound, PeerSource source, Instant now);
  void begin_link(Peer& peer, Role role, Now now);
  void pump(ConnId conn, Now now);
  void on_link_event(Peer& peer, LinkEstablished event, Now now);
  void on_link_event(Peer& peer, LinkMessage event, Now now);
  void on_link_event(Peer& peer, LinkClosed event, Now now);
  void remember_self(const Peer& peer);
  void avoid(const Peer& peer, ErrorCode code, Now now);
  bool add_fault(const Peer& peer, ErrorCode code, Now now);
  bool keeps_link(const Peer& fresh, Now now);
  bool send(Peer& peer, const wire::Message& message, Now now);
  void fault(Peer& peer, ErrorCode code, const char* where, Now now);
  void close(Peer& peer, ErrorCode code, const char* where, Now now);
  void leave(Peer& peer, Error error, bool by_peer, Now now);
  void close_all(ErrorCode code, Now now);
  void enter(Peer& peer, Stage stage, Now now);
  void count_held(Peer& peer);
  void bound_held(Now now);
  void flush();

  // inbound.cpp
  void make_room_half_open(const IpAddress& ip, Now now);
  void note_progress(Peer& peer, HalfOpen::Progress progress, Now now);
  void run_work(Peer& peer, Work work, Now now);
  void on_work_returned(ConnId conn, Now now);
  void note_arrival(Peer& peer, Now now);
  bool make_room(const Peer& fresh, Now now);
  std::optional<ConnId> evictable(const Peer& fresh, std::optional<uint8_t> region, Instant now) const;
  bool is_named(const NodeId& node) const;
  std::optional<Instant> half_open_deadline(const Peer& peer) const;
  void check_half_open(Peer& peer, Now now);
  void log_security(Now now);

  // claims.cpp
  void say_claims(const Peer& peer, wire::Status& status, Now now) const;
  void hear_claims(const Peer& peer, Now now);
  void check_claims(Now now);
  std::optional<int64_t> clock_difference(Now now) const;
  std::optional<uint64_t> network_height(Instant now) const;

  // budgets.cpp
  bool within_budget(Peer& peer, const wire::Message& message, size_t bytes, Now now);
  bool charge(Peer& peer, uint16_t command, size_t bytes, bool solicited, Now now);
  void charge_unknown(Peer& peer, Now now);
  void throttle(Peer& peer, Duration wait, Now now);

  // bandwidth.cpp
  void count_download(Peer& peer, size_t bytes, Now now);
  void count_download(Peer& peer, wire::Lane lane, size_t bytes, Now now);
  void count_upload(Peer& peer, size_t bytes, Now now);
  void allow_lanes(Peer& peer, Now now);
  void read_not_before(Peer& peer, Instant until);
  void read_again(Peer& peer, Now now);

  // attacks.cpp
  void watch_attacks(Now now);

  // recheck.cpp
  void recheck(Now now);
  bool own_clock_in_doubt(Now now) const;
  void recheck_peer(Peer& peer, const std::vector<Suite>& allowed, Now now);

  // tip_alarm.cpp
  TipView tip_view(Instant now) const;
  void watch_tip(Now now);
  void log_doubt(const TipWatch::Change& change, Now now);
  void rescue(Now now);
  void end_rescue(Now now);
  size_t beyond_target() const;
  Peer* idle_rescuer(std::optional<Instant> since);
  Peer* worst_outbound();

  // suite_policy.cpp
  std::vector<Suite> allowed_suites() const;
  void close_retired(Now now);
  bool is_self(const NodeId& node) const;

  // dialing.cpp
  void dial(Now now);
  void dial_kept(Now now);
  ConnId start_dial(const Endpoint& endpoint, std::optional<NodeId> expected, PeerSource source, SlotKind slot, Now now);
  void on_dial_ended(Peer& peer, Now now);
  bool connected_to(const NodeId& node) const;
  bool connected_to(const Endpoint& endpoint) const;
  size_t dials_count() const;
  size_t open_count() const;
  size_t outbound_open_count() const;
  bool short_of_peers() const;
  bool connecting() const;
  bool connecting_first() const;

  // outbound.cpp: whom this node chooses
  void begin_choosing(Now now);
  SlotLimits slot_limits() const;
  SlotAddress slot_address(const Endpoint& endpoint) const;
  bool open_slot(const SlotPlan::Opening& opening, Now now);
  bool try_anchor(const Endpoint& anchor, Now now);
  bool try_feeler(Now now);
  bool try_chosen(SlotKind kind, Now now);
  std::optional<KnownAddress> choose(const SlotPlan& slots, SlotKind kind, Spread spread, bool crowded, Now now) const;
  ConnId dial_chosen(const KnownAddress& chosen, SlotKind kind, Now now);
  bool seen_at(const Endpoint& endpoint) const;
  std::optional<NodeId> who_answers(const KnownAddress& address, Instant now) const;
  bool reachable(const KnownAddress& address, Instant now) const;
  void rebalance(Now now);
  std::optional<ConnId> churned(Now now);
  bool exchange_peer(ConnId old, Now now);
  void close_replaced(Peer& peer, Now now);
  void note_machine(const IpAddress& ip, Instant now);
  void follow_size(Now now);

  // learned_selection.cpp
  PerigeeLimits perigee_limits() const;
  void watch_arrivals(const Peer& peer, Now now);
  void note_block_announced(const Peer& peer, const BlockHash& block, Now now);
  void note_block_valid(const BlockHash& block, Now now);
  void note_message(const Peer& peer, const Digest& message, Now now);
  void note_message_copy(const Peer& peer, const Digest& message, Now now);
  void note_message_valid(ByteView message, ConnId from, Now now);
  bool exchange_late(Now now);

  // channel.cpp
  void on_message(Peer& peer, wire::Message message, Now now);
  bool in_order(Peer& peer, const wire::Message& message, Now now);
  void on(Peer& peer, wire::OpenChannel& message, Now now);
  void on(Peer& peer, wire::Status& message, Now now);
  void on(Peer& peer, wire::Ping& message, Now now);
  void on(Peer& peer, wire::Pong& message, Now now);
  void on(Peer& peer, wire::Reject& message, Now now);
  void on(Peer& peer, wire::Unknown& message, Now now);
  wire::Status own_status() const;
  bool agrees(const Peer& peer, const wire::Status& message) const;
  void on_open(Peer& peer, Now now);

  // handlers_addresses.cpp
  void on(Peer& peer, wire::GetAddresses& message, Now now);
  void on(Peer& peer, wire::Addresses& message, Now now);
  void learn_listener(const Peer& peer, Now now);

  // handlers_announcements.cpp
  void on(Peer& peer, wire::Announcement& message, Now now);
  void on_announcement_verified(const ForAnnouncement& asked, const std::vector<bool>& valid, Now now);
  void relay_announcement(const ForAnnouncement& asked, bool news, const std::vector<ConnId>& have, Now now);
  bool takes_announcements(const Peer& peer) const;
  void set_own_endpoints(std::vector<Endpoint> learned, Now now);
  void learn_own_endpoint(Now now);
  void renew_announcement(Now now);
  void announce_self(Peer& peer, Now now);

  // handlers_succession.cpp
  void on(Peer& peer, wire::Succession& message, Now now);
  void announce_succession(Peer& peer, Now now);
  void on_succession_verified(const ForSuccession& asked, const std::vector<bool>& valid, Now now);
  void take_succession(const NodeId& before, const NodeId& after, Now now);
  bool is_trusted(const NodeId& node) const;
  bool is_genesis(const NodeId& node) const;
  void ask_later(const Peer& peer, ErrorCode reason);
  void ask_who_it_is(Now now);
  void on_asked(Peer& peer, Now now);

  // handlers_headers.cpp
  void on(Peer& peer, wire::GetHeaders& message, Now now);
  void on(Peer& peer, wire::Headers& message, Now now);
  void on(Peer& peer, wire::Inventory& message, Now now);
  void ask_headers(Now now);
  void check_header_timeouts(Now now);
  void announce(const BlockHash& block, Now now);

  // handlers_blocks.cpp
  void on(Peer& peer, wire::GetBlocks& message, Now now);
  void on(Peer& peer, wire::Block& message, Now now);
  void on(Peer& peer, wire::NotFound& message, Now now);
  void ask_blocks(Now now);
  void check_block_timeouts(Now now);
  void serve(Peer& peer, Now now);
  void on_body(RequestId request, std::optional<SharedBytes> body, Now now);

  // handlers_consensus.cpp
  void on(Peer& peer, wire::Consensus& message, Now now);
  void broadcast(const SharedBytes& message, std::optional<ConnId> except, Now now);

  // chain_dialogue.cpp
  void tell_chain(ChainCommand command) { effects.push_back(ToChain{std::move(command)}); }
  void on_chain(HeadersVerdict& event, Now now);
  void on_chain(BlockVerdict& event, Now now);
  void on_chain(ConsensusVerdict& event, Now now);
  void on_chain(HeadersFound& event, Now now);
  void on_chain(MissingFound& event, Now now);
  void on_chain(BestHeaderChanged& event, Now now);
  void on_chain(TipChanged& event, Now now);
  void on_chain(PublishConsensus& event, Now now);
  void on_chain(PublishBlock& event, Now now);
  void on_chain(EquivocationProved& event, Now now);
  void on_chain(ChainFailed& event, Now now);
  void find_missing();
  void update_synced(Now now);

  // discovery_dialogue.cpp
  void ask_dns(Now now);
  void on_resolved(RequestId request, const DnsAnswer& answer, Now now);
  void on_seed_work_done(RequestId request, const std::vector<bool>& valid, Now now);
  void take_answer(size_t seed, const DnsAnswer& answer, Now now);
  void take_found(size_t seed, DnsSeeds::Found found, Now now);
  void log_answer(size_t seed);
  void add_seed_peers(const std::vector<SeedPeer>& found, Now now);
  void load_seeds();
  void save_seeds();
  void use_bootstrap(Now now);
  void check_dns(Now now);

  // crawling.cpp
  void begin_crawl(Now now);
  void dial_visits(Now now);
  void on_visit_open(Peer& peer, Now now);
  void on_visit_message(Peer& peer, wire::Message& message, Now now);
  void check_visits(Now now);
  void end_visit(Peer& peer, ErrorCode reason, Now now);

  // stored_addresses.cpp
  void load_addresses(Now now);
  void save_addresses(Now now);

  // stored_bans.cpp
  void load_bans(Now now);
  void save_bans(Now now);

  // timers.cpp
  void tick(Now now);
  void renew_certificate(Now now);
  void check_peer(Peer& peer, Now now);
  std::optional<Instant> peer_deadline(const Peer& peer) const;
  std::optional<Instant> block_deadline() const;
  void watch(const Peer& peer);
  void watch_requests();
  void on_timeout(Now now);

  // report.cpp
  void log(LogLevel level, std::string_view name, std::vector<LogField> fields);
  void log_peer_event(LogLevel level, std::string_view name, std::vector<LogField> fields, Now now);
  NodeReport report() const;

  // node.cpp
  void settle(Now now);
  template <class For>
  std::optional<For> take_pending(RequestId request);
  RequestId expect(Pending what);
  RequestId unasked_request() { return RequestId{next_request++}; }  // whose answer nobody waits for

  NodeConfig config;
  Provider& provider;
  LogSink& sink;
  Fifo<Effect> effects;
  PeerMemory memory;  // of links; outlives them
  std::map<ConnId, Peer> peers;
  std::map<RequestId, Pending> pending;
  uint64_t next_conn = 1, next_request = 1;
  std::vector<ConnId> touched;  // links that may have something to write
  size_t held_bytes = 0;        // of all links

  std::unique_ptr<Admission> admission;  // links point to it
  HalfOpen half_open;
  Secret<32> eviction_key;
  std::map<ConnId, Instant> signing;  // for who has come in: since when the workers have it
  uint64_t logged_asked = 0;
  Instant security_log_due{};

  std::vector<Kept> kept;
  AddressBook addresses{provider.rng(), config.known_addresses_max};
  AddressCache told_addresses;
  SlotPlan slots;
  std::optional<SizeEstimate> size;
  AdaptiveLimit adaptive;
  Instant size_due{}, feeler_due{}, exchange_due{}, churn_due{};
  std::optional<ByteArray<4>> saved_sum;  // of what was saved last
  Instant save_due{};
  uint64_t bans_saved = 0;  // Reputation::changes() of what was saved last
  Instant bans_due{};
  Reputation reputation{config.banned};
  Agreement<int64_t> clocks;  // unix seconds at our own Instant 0
  Agreement<IpAddress> own_addresses;
  RecordVoices records;
  std::optional<int64_t> said_difference;  // of the clocks, at the last look
  Instant clock_warning_due{}, rescue_dns_due{};
  TipWatch tip_watch{config.tip_watch};
  std::optional<Instant> doubted_since;
  ConnId rescue_from;  // whoever is dialled from this one on came after the doubt
  SharedBudget budget_of_all{config.costs};
  Bandwidth upload{config.upload}, download{config.download};
  AttackWatch attacks;
  ConnId recheck_hand;  // who was looked at last
  SuccessionChain own_succession;
  Successions successions;
  size_t successions_judging = 0;
  std::vector<Question> questions;
  Announcements announcements;
  std::map<Digest, std::vector<ConnId>> announcements_judging;            // of each that is at a worker, who has sent it
  Allowance announcements_passed_on[3]{{64, 0.5}, {64, 0.5}, {64, 0.5}};  // by AnnouncementOrigin
  std::vector<Endpoint> learned_endpoints, own_endpoints;
  std::optional<Announcement> own_announcement;
  SharedBytes own_announcement_bytes;
  Instant own_announced{};
  WallTime own_announcement_due;
  DnsSeeds dns;
  std::optional<Crawl> crawl;
  Backoff dns_pause;
  std::optional<Instant> dns_due, dns_asked;
  Instant round_began{};        // of questions and dials
  bool bootstrap_used = false;  // since the last DNS round
  bool dns_started = false;
  bool first_round_over = false;

  HeaderSync header_sync;
  BlockDownload blocks;
  Tip tip, best;
  bool have_tip = false, have_best = false;
  bool finding = false, more_missing = false;
  uint64_t generation = 0;  // of the best header chain: an older answer to FindMissing is stale
  size_t consensus_judging = 0;
  Recent<Digest> seen_consensus{consensus_seen_max};
  Recent<BlockHash> recent_blocks{recent_blocks_max};  // tips and best headers: whoever names one of them has nothing new
  Perigee arrivals{perigee_limits()};
  Recent<Digest> measured_messages{measured_messages_max};
  Instant message_due{};  // of the next that is measured
  BlockHash announced_tip;
  bool caught_up = false, synced = false;

  // Work that an input may have made possible; settle does it once.
  bool dial_dirty = false, headers_dirty = false, blocks_dirty = false;
  Instant tick_due{}, blocks_checked{};
  Instant wake{};  // not after the next thing that is due: what moved later is found out when it is reached
  bool started = false, stopping = false;
  std::optional<Error> failed;

  std::deque<LeftReport> left;
  uint64_t left_total = 0;
  uint64_t headers_received = 0, blocks_received = 0, block_bytes_received = 0, dials_failed = 0;
  NodeCounts counts;
  Allowance log_allowance{500, 1};
  uint64_t log_suppressed = 0;

  bool loaded() const { return have_tip && have_best; }
};

template <class For>
std::optional<For> Node::State::take_pending(RequestId request) {
  const auto found = pending.find(request);
  if (found == pending.end() || !std::holds_alternative<For>(found->second)) return std::nullopt;
  std::optional<For> out = std::get<For>(std::move(found->second));
  pending.erase(found);
  return out;
}

}  // namespace lattice
