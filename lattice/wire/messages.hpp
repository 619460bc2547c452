// The messages of a channel, as structs that cannot be wrong, in one variant. Bytes: docs/PROTOCOL.md.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/base/ids.hpp>
#include <lattice/base/result.hpp>
#include <lattice/wire/limits.hpp>

namespace lattice::wire {

using ChannelId = uint16_t;  // chosen by the initiator of the link in open_channel; 0 is the link's own

// Lanes of a link, most urgent first. Control and consensus always go first; the others share by weight.
enum class Lane : uint8_t { control, consensus, headers, transactions, blocks };
constexpr size_t lane_count = 5;

enum class Command : uint16_t {
  open_channel = 1,
  status = 2,
  ping = 3,
  pong = 4,
  reject = 5,
  succession = 6,
  get_addresses = 16,
  addresses = 17,
  announcement = 18,
  get_headers = 32,
  headers = 33,
  inventory = 34,
  get_blocks = 35,
  block = 36,
  not_found = 37,
  consensus = 48,
};

// The first message of a channel, by the link's initiator; the responder answers with a status or a reject.
struct OpenChannel {
  ChainId chain;
  uint16_t version = 0;  // of the channel's messages; the channel speaks the lower of both sides'
  bool operator==(const OpenChannel&) const = default;
};

// What a node says of itself, by both sides once a channel is open, and again when its tip changes. Claims, not facts.
struct Status {
  uint16_t version = 0;
  BlockHash tip;
  uint64_t height = 0;
  Bytes score;               // the chain's own measure (work, or final height), big-endian, at most 32 bytes
  uint64_t services = 0;     // bit 0: serves headers and blocks
  uint16_t listen_port = 0;  // 0: takes no connections
  std::string user_agent;    // printable ASCII, at most 256
  // Extension fields, of the first status of a link alone.
  std::optional<int64_t> time;      // the sender's, unix seconds, in steps of status_time_step
  std::optional<Endpoint> seen_as;  // where the sender sees the receiver
  bool operator==(const Status&) const = default;
};
constexpr uint64_t service_blocks = 1;
constexpr int64_t status_time_step = 10;  // finer ones would tell one clock from another

struct Ping {
  uint64_t nonce = 0;
  bool operator==(const Ping&) const = default;
};
struct Pong {
  uint64_t nonce = 0;
  bool operator==(const Pong&) const = default;
};

// Says that a message of the receiver was not accepted, and why. Never answered.
struct Reject {
  uint16_t command = 0;
  ErrorCode reason = ErrorCode::none;
  BlockHash subject;  // zero where there is none
  std::string text;   // printable ASCII, at most 128, for a person
  bool operator==(const Reject&) const = default;
};

struct PeerAddress {
  Endpoint endpoint;
  std::optional<NodeId> node;  // who answers there, where known
  uint64_t services = 0;
  int64_t last_seen = 0;  // unix seconds
  bool operator==(const PeerAddress&) const = default;
};
struct GetAddresses {
  bool operator==(const GetAddresses&) const = default;
};
struct Addresses {
  std::vector<PeerAddress> entries;
  bool operator==(const Addresses&) const = default;
};

struct GetHeaders {
  std::vector<BlockHash> locator;  // newest first, thinning out; 1 to 101
  BlockHash stop;                  // zero: as many as fit
  bool operator==(const GetHeaders&) const = default;
};
struct Headers {
  std::vector<Bytes> headers;  // each as its chain writes it; in order, each the child of the one before; at most 2,000
  bool operator==(const Headers&) const = default;
};

enum class InventoryType : uint8_t { block = 1, transaction = 2 };
struct InventoryItem {
  InventoryType type = InventoryType::block;
  BlockHash hash;
  bool operator==(const InventoryItem&) const = default;
};
struct Inventory {
  std::vector<InventoryItem> items;
  bool operator==(const Inventory&) const = default;
};
struct GetBlocks {
  std::vector<BlockHash> hashes;  // 1 to 128, no two alike
  bool operator==(const GetBlocks&) const = default;
};
struct Block {
  SharedBytes bytes;
  bool operator==(const Block& other) const { return equal(bytes.view(), other.bytes.view()); }
};
struct NotFound {
  std::vector<BlockHash> hashes;
  bool operator==(const NotFound&) const = default;
};
// A chain's own consensus message, opaque to the network.
struct Consensus {
  SharedBytes bytes;
  bool operator==(const Consensus& other) const { return equal(bytes.view(), other.bytes.view()); }
};
// How the sender came to be who it is: link/succession.hpp reads it. At most once a link.
struct Succession {
  SharedBytes bytes;
  bool operator==(const Succession& other) const { return equal(bytes.view(), other.bytes.view()); }
};
// A node's signed word about where it can be reached, its own or one that is passed on: discovery/announcement.hpp reads it.
struct Announcement {
  SharedBytes bytes;
  bool operator==(const Announcement& other) const { return equal(bytes.view(), other.bytes.view()); }
};
// A message of a command that this version does not know: skipped and counted. Never sent.
struct Unknown {
  uint16_t command = 0;
  bool operator==(const Unknown&) const = default;
};

using Message = std::variant<OpenChannel, Status, Ping, Pong, Reject, GetAddresses, Addresses, GetHeaders, Headers, Inventory,
                             GetBlocks, Block, NotFound, Consensus, Succession, Announcement, Unknown>;

Command command_of(const Message& message);  // ASSERTs that it is not Unknown
Lane lane_of(Command command);
bool may_travel(uint16_t command, Lane lane);     // on its own lane; an unknown command on any
std::string_view command_name(uint16_t command);  // "unknown" where it is

// Twelve bytes before each payload: version 2, command 2, length 4, checksum 4 (CRC-32C of the first eight and the payload).
struct MessageHeader {
  uint16_t version = 0;
  uint16_t command = 0;
  uint32_t length = 0;
  uint32_t checksum = 0;
};
Result<MessageHeader> read_message_header(ByteView bytes);  // `bytes`: twelve or more; bounds `length` by the command's limit

// A message as it goes out: a head of its own and, for blocks, a body that is shared and not copied.
struct EncodedMessage {
  Bytes head;        // header and the payload, but for the body
  SharedBytes body;  // perhaps empty
  size_t size() const { return head.size() + body.size(); }
};
EncodedMessage encode(const Message& message, uint16_t version);
// Appends the head of the message to `to` and gives its body: what encode does, without memory of its own.
SharedBytes encode_to(const Message& message, uint16_t version, Bytes& to);
// `bytes`: a whole message with its header. Block, Consensus, Succession and Announcement keep `bytes` alive and view into it.
Result<Message> decode(SharedBytes bytes);
// The same of bytes that do not stay: only what the message keeps of them is copied.
Result<Message> decode_view(ByteView bytes);

}  // namespace lattice::wire
