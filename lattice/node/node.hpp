// A whole node as a value: every input is on_*, every wish comes out of poll_effect. One input, then drain.
// The program and the simulator run this same class.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lattice/base/log.hpp>
#include <lattice/discovery/crawl.hpp>
#include <lattice/discovery/dns_seeds.hpp>
#include <lattice/discovery/peer_source.hpp>
#include <lattice/link/admission.hpp>
#include <lattice/link/link.hpp>
#include <lattice/node/effect.hpp>
#include <lattice/node/half_open.hpp>
#include <lattice/peers/as_table.hpp>
#include <lattice/peers/attack_watch.hpp>
#include <lattice/peers/bandwidth.hpp>
#include <lattice/peers/costs.hpp>
#include <lattice/peers/eviction.hpp>
#include <lattice/peers/perigee.hpp>
#include <lattice/peers/reputation.hpp>
#include <lattice/peers/slots.hpp>
#include <lattice/peers/tip_watch.hpp>

namespace lattice {

struct KnownPeer {
  Endpoint endpoint;
  std::optional<NodeId> node;
};

// From this height of the own tip on no link speaks the suite, and those that do are closed.
struct SuiteRetirement {
  Suite suite = Suite::xxhfs_chacha;
  uint64_t height = 0;
  bool operator==(const SuiteRetirement&) const = default;
};

struct NodeConfig {
  ByteArray<4> magic{};
  ChainIdentity chain;
  uint16_t protocol_version = 1;
  uint16_t default_port = 0;
  uint16_t listen_port = 0;  // 0: takes no connections
  std::string user_agent;
  std::shared_ptr<const Identity> identity;
  std::shared_ptr<const Identity> identity87;  // for suite 0x0011; may be null
  // How it came to be `identity`, told to each peer: encode_successions, of which what leads to `identity` and has not expired
  // is shown. Empty: it has never changed its keys.
  Bytes succession;
  std::vector<Suite> suites{Suite::xxhfs_chacha};
  std::vector<SuiteRetirement> retired;         // one suite at least is never retired
  OutsideKeys outside_keys = OutsideKeys::off;  // of every link; who runs the node answers OutsideKeyWork

  std::vector<DnsSeed> seeds;        // empty: no DNS
  std::vector<KnownPeer> bootstrap;  // asked when DNS gave nobody
  std::vector<KnownPeer> connect;    // always dialled, kept
  // Identities that get a link where no slot is free, and count like peers that this node chose. They prove who they are like
  // anybody: nothing of this holds before their handshake is over.
  std::vector<NodeId> genesis;
  // Walks the network in place of taking part in it: dials only to ask who else is there, syncs and serves nothing. Not with
  // listen_port; `connect` and `bootstrap` are where it begins, beside the seeds.
  std::optional<CrawlLimits> crawl;
  bool discovery = true;  // false: only `connect`, and whoever comes in
  // Where others can reach this node, as its operator says: announced to the network while it listens. At most four; more may be
  // learned (set_own_endpoints). With none the network is told of this node by its peers alone.
  std::vector<Endpoint> announce_endpoints;
  bool announce_agreed = false;  // announce the address, too, that enough peers agree to see this node come from
  // What the newest SaveAddresses of an earlier run held, or whatever became of it since: damaged, it is refused with a warning,
  // and the node starts without.
  Bytes stored_addresses;
  Bytes stored_seeds;  // the same of SaveSeeds
  Bytes stored_bans;   // and of SaveBans

  size_t connections_max = 125;  // beside handshakes of others that are under way
  // Whom this node chooses; of these so many for blocks alone, not more than a fifth. The one that is opened beside them to see
  // whether somebody answers (a feeler) and the extra ones in an emergency are not counted.
  size_t outbound_target = 10;
  size_t block_only_target = 2;
  Duration feeler_interval = std::chrono::minutes{2};
  // How long one that this node chose stays when somebody else can be had, at least; one of them changes in that time.
  Duration churn_interval = std::chrono::minutes{30};
  // Of those that this node chooses for everything so many are learned: who brings blocks and messages later than others goes.
  // Not more than half of them; 0: none.
  size_t learned_slots = 4;
  size_t inbound_per_ip = 3, inbound_per_subnet = 10;
  bool adaptive_limit = true;               // the network's estimated size is a ceiling for who comes in
  std::shared_ptr<const AsTable> as_table;  // null: AS numbers and regions are not known
  size_t dials_max = 16;                    // at once, with their handshakes
  HalfOpenLimits half_open;
  EvictionLimits eviction;          // who of those that came in stays where all slots are taken
  BanList banned;                   // neither dialled, but as one of `connect`, nor taken in
  CostLimits costs = node_costs();  // of what each peer, and all together, may send; the chain's pace decides `news`
  BandwidthLimits upload, download;
  TipWatchLimits tip_watch;
  size_t rescue_outbound = 2;  // dialled beside the others while our chain is in doubt
  AdmissionLimits admission;
  size_t known_addresses_max = 80'000;
  Duration connection_timeout = std::chrono::seconds{5};  // dial
  Duration handshake_timeout = std::chrono::seconds{10};
  // Of who comes in, while a quarter of half_open.in_all or more is in use: the first message, whole; then each further one, from
  // the moment at which it is the other's turn.
  Duration first_message_timeout = std::chrono::seconds{3};
  Duration message_timeout = std::chrono::seconds{5};
  Duration request_timeout = std::chrono::seconds{20};  // headers; a block's own limit follows from measured rates
  Duration ping_interval = std::chrono::seconds{60};
};

struct PeerReport {
  ConnId conn;
  Endpoint endpoint;
  std::optional<NodeId> node;
  bool inbound = false;
  bool established = false;
  bool genesis = false;  // authenticated as one of NodeConfig::genesis
  SlotKind slot = SlotKind::inbound;
  uint32_t asn = 0;               // 0: not known
  std::optional<uint8_t> region;  // below region_count, where known
  Suite suite = Suite::xxhfs_chacha;
  bool resumed = false;  // the link began with a ticket of an earlier one
  PeerSource source = PeerSource::inbound;
  double handshake_seconds = 0;
  uint64_t height = 0;  // as claimed
  uint64_t bytes_in = 0, bytes_out = 0;
  uint64_t headers = 0, blocks = 0;  // valid ones it gave
  uint64_t unknown_messages = 0;
  std::optional<Perigee::Score> arrivals;  // of those that this node chose: how late they bring news
  std::string user_agent;
};
// A peer that was left, and why: the newest 64.
struct LeftReport {
  Endpoint endpoint;
  std::optional<NodeId> node;
  PeerSource source = PeerSource::inbound;
  ErrorCode reason = ErrorCode::none;
  std::string where;
  bool by_peer = false;
};
struct AvoidedReport {
  IpAddress ip;
  ErrorCode reason = ErrorCode::none;
};
struct NodeReport {
  Tip tip, best_header;
  bool loaded = false;       // the chain has been read back
  bool synced = false;       // no peer asked has validated headers of a better chain, and every body is here
  bool discovering = false;  // DNS questions, first dials or handshakes still open
  uint64_t headers_received = 0, blocks_received = 0, block_bytes_received = 0;
  uint64_t consensus_received = 0;  // messages, copies too
  size_t blocks_in_flight = 0;
  size_t announced_nodes = 0;                                                    // with a signed record that has not expired
  uint64_t announcements_received = 0, announcements_relayed = 0;                // copies too; to each peer one
  size_t known_addresses = 0, tried_addresses = 0;                               // of the known ones that answered
  double network_machines = 0;                                                   // as estimated (peers/size_estimate.hpp)
  size_t inbound_max = 0;                                                        // who may come in now
  uint64_t feelers = 0, feelers_answered = 0, anchors_tried = 0, exchanged = 0;  // of whom this node chose
  uint64_t exchanged_late = 0;                                                   // of the exchanged ones, by learned selection
  std::map<SlotRefusal, uint64_t> refused;                                       // who came in, by reason
  uint64_t handshakes = 0, resumed = 0, dials_failed = 0;
  size_t sockets = 0;         // that the host has not let go of, those of closed links too
  size_t open_questions = 0;  // to the chain, the store and DNS
  size_t held_bytes = 0;      // of messages begun and not ended, over all links
  size_t half_open = 0;       // others' handshakes under way
  AdmissionCounts admission;
  bool under_load = false;         // strangers have to solve a puzzle now
  uint64_t half_open_dropped = 0;  // for whom there was no room, or who said nothing
  uint64_t evicted = 0;            // who had come in and went for somebody else
  std::vector<DnsReport> dns;
  std::vector<PeerReport> peers;
  std::vector<LeftReport> left;
  uint64_t left_total = 0;
  std::vector<AvoidedReport> avoided;  // neither dialled nor taken now
  std::optional<CrawlReport> crawl;    // of a node that crawls
  size_t queued_bytes = 0;             // for peers, not sealed yet
  // What independent address groups agree on (peers/agreement.hpp). Our own time is never moved by what others say.
  std::optional<uint64_t> network_height;     // that most of them have reached
  std::optional<int64_t> clock_difference;    // seconds by which they are ahead of us
  std::optional<IpAddress> external_address;  // that they see us at
  bool stale_tip = false, eclipse_suspected = false;
  uint64_t tip_alarms = 0;                       // times that our chain came into doubt
  uint64_t throttled = 0, over_budget = 0;       // times that a peer was not read for a while; messages beyond that
  std::array<uint64_t, attack_kinds> attacks{};  // intervals with one, by Attack
  std::optional<Error> failed;                   // the node cannot go on
};

// What it has done since it was made.
struct NodeCounts {
  uint64_t messages = 0;  // that links handed it
  uint64_t handshakes = 0;
  uint64_t resumed = 0;    // of them, with a ticket
  uint64_t consensus = 0;  // messages for the chain, copies too
  uint64_t half_open_dropped = 0, first_messages_late = 0;
  uint64_t announcements = 0, announcements_relayed = 0;
  uint64_t evicted = 0;
  uint64_t throttled = 0, over_budget = 0;
  uint64_t upload_waits = 0, download_waits = 0;  // times that a peer waited for bandwidth
  uint64_t tip_alarms = 0;                        // times that our chain came into doubt
  uint64_t feelers = 0, feelers_answered = 0, anchors_tried = 0, exchanged = 0, exchanged_late = 0;
  std::map<SlotRefusal, uint64_t> refused;
};

class Node {
 public:
  Node(NodeConfig config, Provider& provider, LogSink& log);
  ~Node();

  void start(Now now);
  // Saves the known addresses, closes every link with shutting_down; drain and go.
  void stop(Now now);

  // False: the chain is still being read back, or the node has stopped. A host leaves connections in its backlog until then.
  bool takes_connections() const;
  // A connection came in. Empty: no slot, the host closes it at once.
  std::optional<ConnId> on_accepted(const Endpoint& remote, Now now);
  void on_dialed(ConnId conn, const Endpoint& local, Now now);
  void on_dial_failed(ConnId conn, Now now);
  void on_bytes(ConnId conn, ByteView bytes, Now now);
  void on_sent(ConnId conn, size_t bytes, Now now);
  void on_closed(ConnId conn, Now now);  // the socket has ended, from either side
  void on_work_done(ConnId conn, WorkResult result, Now now);
  void on_resolved(RequestId request, DnsAnswer answer, Now now);
  void on_seed_work_done(RequestId request, std::vector<bool> valid, Now now);
  void on_chain_events(ChainEvents events, Now now);
  // A block made by a program beside the node: judged like a peer's, but nobody is blamed; announced once it is the tip.
  void on_local_block(Bytes header, SharedBytes block, Now now);
  void on_body(RequestId request, std::optional<SharedBytes> body, Now now);
  // What was found out about where others reach this node, beside NodeConfig::announce_endpoints: it is announced.
  void set_own_endpoints(std::vector<Endpoint> learned, Now now);
  void on_timeout(Now now);

  std::optional<Effect> poll_effect();
  std::optional<Instant> next_timeout() const;
  ByteView pending_output(ConnId conn);
  bool wants_bytes(ConnId conn) const;  // false: stop reading this socket until it is true again
  NodeReport report() const;
  const NodeCounts& counts() const;
  // Of a node that crawls: Crawl::choose.
  std::vector<SeedEntry> choose_seeds(size_t count, Now now) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lattice
