#include <lattice/sim/adversaries/spam.hpp>

#include <algorithm>
#include <set>

#include <lattice/sim/adversaries/raw_link.hpp>

namespace lattice::sim {

using wire::Lane;

BlockHash random_block(Rng& rng) {
  BlockHash hash;
  rng.fill(hash.bytes);
  return hash;
}

wire::PeerAddress random_address(Rng& rng, uint16_t port) {
  wire::PeerAddress entry;
  ByteArray<4> ip;
  rng.fill(ip);
  entry.endpoint = {IpAddress::v4(static_cast<uint8_t>(20 + ip[0] % 80), ip[1], ip[2], ip[3]), port};
  NodeId node;
  rng.fill(node.bytes);
  entry.node = node;
  entry.services = wire::service_blocks;
  entry.last_seen = 1'750'000'000;
  return entry;
}

static Bytes encoded(const wire::Message& message) { return flat(wire::encode(message, 1)); }

static Bytes random_bytes(Rng& rng, size_t count) {
  Bytes bytes(count);
  rng.fill(bytes);
  return bytes;
}

static std::vector<BlockHash> random_blocks(Rng& rng, size_t count) {
  std::vector<BlockHash> hashes;
  for (size_t i = 0; i < count; ++i) hashes.push_back(random_block(rng));
  return hashes;
}

// The same ones again and again, each of which is on the victim's disk.
static std::vector<BlockHash> known_blocks(const SpamSource& source) {
  const size_t count = std::min(source.known.size(), limits::block_request_hashes_max);
  return {source.known.begin(), source.known.begin() + static_cast<ptrdiff_t>(count)};
}

static Bytes status(const SpamSource& s) {
  wire::Status message;
  message.version = 1;
  message.tip = random_block(s.rng);
  message.height = s.number % 2 == 0 ? UINT64_MAX : s.number;
  message.score = Bytes(limits::score_bytes_max, 0xff);
  message.services = UINT64_MAX;
  message.listen_port = 1;
  message.user_agent = std::string(limits::user_agent_bytes_max, 'x');
  return encoded(message);
}

static Bytes addresses(const SpamSource& s, size_t count) {
  wire::Addresses message;
  for (size_t i = 0; i < count; ++i) message.entries.push_back(random_address(s.rng, 1));
  return encoded(message);
}

static Bytes inventory(const SpamSource& s) {
  wire::Inventory message;
  for (size_t i = 0; i < limits::inventory_items_max; ++i)
    message.items.push_back({wire::InventoryType::block, random_block(s.rng)});
  return encoded(message);
}

static Bytes headers(const SpamSource& s) {
  wire::Headers message;
  for (size_t i = 0; i < limits::headers_max; ++i) message.headers.push_back(random_bytes(s.rng, 80));
  return encoded(message);
}

// A count of the greatest value, and nothing behind it; every command in turn.
static Bytes lying_count(const SpamSource& s) {
  static constexpr uint16_t commands[] = {1, 2, 16, 17, 32, 33, 34, 35, 37};
  return message_bytes(commands[s.number % std::size(commands)], Bytes(8, 0xff));
}

static Bytes empty_list(const SpamSource& s) {
  static constexpr uint16_t commands[] = {17, 33, 34, 35, 37, 32};
  return message_bytes(commands[s.number % std::size(commands)], Bytes(s.number % 3, 0));
}

std::span<const SpamKind> spam_kinds() {
  static constexpr SpamKind kinds[] = {
      {"ping", Lane::control, [](const SpamSource& s) { return encoded(wire::Ping{s.number}); }},
      {"get_headers from the genesis", Lane::headers,
       [](const SpamSource& s) { return encoded(wire::GetHeaders{{s.known.front()}, {}}); }},
      {"get_blocks known", Lane::headers, [](const SpamSource& s) { return encoded(wire::GetBlocks{known_blocks(s)}); }},
      {"inventory", Lane::headers, inventory},
      {"unknown", Lane::control, [](const SpamSource& s) { return message_bytes(0x7777, random_bytes(s.rng, 100)); }},
      {"consensus", Lane::consensus,
       [](const SpamSource& s) { return encoded(wire::Consensus{SharedBytes(random_bytes(s.rng, 1024))}); }},
      {"addresses", Lane::transactions, [](const SpamSource& s) { return addresses(s, 10); }},
      {"status", Lane::control, status},
      {"pong", Lane::control, [](const SpamSource& s) { return encoded(wire::Pong{s.number}); }},
      {"get_addresses", Lane::transactions, [](const SpamSource&) { return encoded(wire::GetAddresses{}); }},
      {"get_headers from nowhere", Lane::headers,
       [](const SpamSource& s) { return encoded(wire::GetHeaders{random_blocks(s.rng, limits::locator_hashes_max), {}}); }},
      {"get_blocks unknown", Lane::headers,
       [](const SpamSource& s) { return encoded(wire::GetBlocks{random_blocks(s.rng, limits::block_request_hashes_max)}); }},
      {"headers", Lane::headers, headers},
      {"block", Lane::blocks,
       [](const SpamSource& s) { return encoded(wire::Block{SharedBytes(random_bytes(s.rng, 100'000))}); }},
      {"not_found", Lane::headers, [](const SpamSource& s) { return encoded(wire::NotFound{random_blocks(s.rng, 128)}); }},
      {"addresses, many", Lane::transactions, [](const SpamSource& s) { return addresses(s, limits::addresses_max); }},
      {"reject", Lane::control,
       [](const SpamSource& s) {
         return encoded(wire::Reject{2, ErrorCode::bad_block, random_block(s.rng), std::string(128, 'x')});
       }},
      {"open_channel", Lane::control, [](const SpamSource& s) { return encoded(wire::OpenChannel{s.chain, 1}); }},
      {"unknown, large", Lane::transactions,
       [](const SpamSource& s) { return message_bytes(0x7778, random_bytes(s.rng, limits::small_message_bytes_max)); }},
      {"lying count", Lane::headers, lying_count},
      {"empty list", Lane::headers, empty_list},
  };
  return kinds;
}

}  // namespace lattice::sim
