// One connection as the node sees it. Owned by Node::State by value; others refer to it by its ConnId.
#pragma once

#include <optional>

#include <lattice/base/fifo.hpp>
#include <lattice/discovery/peer_source.hpp>
#include <lattice/link/link.hpp>
#include <lattice/node/node.hpp>
#include <lattice/peers/allowance.hpp>
#include <lattice/peers/costs.hpp>
#include <lattice/peers/eviction.hpp>
#include <lattice/peers/reputation.hpp>
#include <lattice/peers/slots.hpp>
#include <lattice/wire/messages.hpp>

namespace lattice {

// Dialing -> Handshake -> Opening -> Open -> Closing
//
//   Dialing    the host tries to connect; for connection_timeout
//   Handshake  the link's own; for handshake_timeout, and of one that came in each message within a limit of its own
//   Opening    open_channel from the initiator, status from the responder, status from the initiator; for handshake_timeout
//   Open       every message; as long as the peer is not silent for two ping intervals
//   Closing    nothing more is read; until the host says that the socket has ended
enum class Stage : uint8_t { dialing, handshake, opening, open, closing };

// What one peer asked for and has not got. Bodies are read a few at a time and sent in the order asked.
struct Serving {
  static constexpr size_t wanted_max = 1024;
  static constexpr size_t reads_max = 16;
  static constexpr size_t queued_bytes_max = 4 * 1024 * 1024;
  static constexpr size_t header_questions_max = 4;

  struct Read {
    RequestId request;
    BlockHash block;
    bool done = false;
    std::optional<SharedBytes> body;
  };
  Fifo<BlockHash> wanted;
  Fifo<Read> reads;
  size_t mean_bytes = 64 * 1024;
  size_t header_questions = 0;
};

struct Peer {
  ConnId conn;
  Endpoint remote;
  bool inbound = false;
  PeerSource source = PeerSource::inbound;
  std::optional<size_t> kept;  // its place among the operator's peers
  SlotKind slot = SlotKind::inbound;
  std::optional<ConnId> replaces;  // goes once this one is open
  Stage stage = Stage::dialing;
  Instant since{};           // in this stage
  bool socket_gone = false;  // the host said so first

  HalfOpen::Progress progress = HalfOpen::Progress::silent;  // of the handshake of one that came in
  Instant step_since{};                                      // since when it is the peer's turn in it
  bool at_work = false;                                      // it is ours

  std::optional<Link> link;
  bool writing = false;  // the host has been told that there is something to write
  std::optional<NodeId> expected, likely, node;
  NodeId own;                        // who we are to it
  std::optional<NodeId> asks_after;  // a link for one question only: has whoever answers here been this one?
  bool genesis = false;              // authenticated as one that the operator named
  bool expects_genesis = false;      // dialled as one: nobody else can answer
  Suite suite = Suite::xxhfs_chacha;
  std::optional<WallTime> valid_until;  // its certificate
  bool resumed = false;
  Duration handshake_time{};
  EvictionCandidate merits;   // of one that came in and has shown who it is
  uint16_t version = 0;       // that the channel speaks
  uint16_t said_version = 0;  // that the peer says it speaks
  wire::Status status;        // what it says of itself
  uint64_t shown_height = 0;  // of the last valid header that it gave
  CrawlOutcome visit;         // of a node that crawls: what came of it until now

  Instant received{};  // its last bytes
  Instant written{};   // when it last took bytes, or got something to take
  Instant ping_due{};
  std::optional<uint64_t> ping;  // the nonce that it has not answered
  Instant ping_sent{};

  Score score;
  std::optional<PeerBudget> budget;   // once it has shown who it is
  std::optional<Instant> read_after;  // not read before that
  bool throttled = false;             // for what it sent
  size_t read_freely = 0;             // bytes since it last waited for bandwidth
  LaneBytes upload_counted{};
  std::array<Instant, wire::lane_count> lane_free{};  // when bandwidth is there for each
  std::optional<Instant> lanes_wait;                  // until the first of them may go on
  uint64_t unknown_charged = 0;                       // messages
  Allowance hearsay{10, 0.1};                         // addresses that nobody asked for
  Allowance announcements{64, 0.5};                   // whose signature may have to be verified
  bool asked_addresses = false;                       // and not answered yet
  bool gave_addresses = false;
  bool told_succession = false;
  bool late = false;                   // learned selection wants somebody else in its place
  BlockHash told_by_us;                // the newest block that it was told of
  BlockHash told;                      // the newest block that both sides know the other knows
  std::optional<BlockHash> announced;  // named by it, not known here yet

  size_t held = 0;  // by its link, of messages begun and not ended
  Serving serving;
  uint64_t bytes_in = 0, bytes_out = 0, headers = 0, blocks = 0;

  bool alive() const { return stage != Stage::closing; }
  bool open() const { return stage == Stage::open; }
  bool is_feeler() const { return slot == SlotKind::feeler; }
  // Addresses, transactions and consensus messages go both ways.
  bool relays() const { return slot != SlotKind::block_only && slot != SlotKind::feeler; }
  bool half_open() const { return inbound && stage == Stage::handshake; }
  // Others' handshakes under way take none: else whoever says nothing could take them all.
  bool takes_slot() const { return !half_open() && !genesis && !expects_genesis && !asks_after; }
};

}  // namespace lattice
