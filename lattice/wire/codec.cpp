#include <lattice/wire/codec.hpp>

#include <algorithm>
#include <set>

#include <lattice/base/assert.hpp>
#include <lattice/wire/tlv.hpp>

namespace lattice::wire {

using enum ErrorCode;

static bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

static Result<std::string> read_text(Reader& reader, size_t length, size_t length_max) {
  if (length > length_max) return fail(too_large, "text");
  TRY(bytes, reader.bytes(length));
  if (!is_printable(as_text(bytes))) return fail(bad_value, "text");
  return std::string(as_text(bytes));
}

static void write_text(Writer& writer, std::string_view text, size_t length_max) {
  ASSERT(text.size() <= length_max && is_printable(text));
  writer.bytes(as_bytes(text));
}

// The count is checked against its limit and against the bytes that are there, before memory is taken for the entries.
static Result<std::vector<BlockHash>> read_hashes(Reader& reader, size_t count, size_t count_max) {
  if (count > count_max) return fail(too_large, "number of hashes");
  if (reader.remaining() < count * 32) return fail(truncated, "hashes");
  std::vector<BlockHash> hashes;
  hashes.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    TRY(hash, reader.id<BlockHash>());
    hashes.push_back(hash);
  }
  return hashes;
}

static void write_hashes(Writer& writer, const std::vector<BlockHash>& hashes, size_t count_max) {
  ASSERT(hashes.size() <= count_max);
  for (const BlockHash& hash : hashes) writer.bytes(hash.view());
}

// --- the channel ---

static void write(Writer& writer, const OpenChannel& message) { writer.bytes(message.chain.view()).u16(message.version); }

static Result<Message> read_open_channel(Reader& reader) {
  TRY(chain, reader.id<ChainId>());
  TRY(version, reader.u16());
  if (version == 0) return fail(bad_value, "channel version");
  TRY_VOID(skip_tlv(reader));
  return OpenChannel{chain, version};
}

constexpr uint16_t status_field_time = 1, status_field_seen_as = 2;

static void write(Writer& writer, const Status& message) {
  ASSERT(message.score.size() <= limits::score_bytes_max);
  writer.u16(message.version).bytes(message.tip.view()).u64(message.height);
  writer.u8(static_cast<uint8_t>(message.score.size())).bytes(message.score);
  writer.u64(message.services).u16(message.listen_port).u16(static_cast<uint16_t>(message.user_agent.size()));
  write_text(writer, message.user_agent, limits::user_agent_bytes_max);
  if (message.time) write_tlv(writer, status_field_time, Writer{}.u64(static_cast<uint64_t>(*message.time)).view());
  if (message.seen_as) {
    write_tlv(writer, status_field_seen_as, Writer{}.bytes(message.seen_as->ip.bytes).u16(message.seen_as->port).view());
  }
}

// Any time is read: a clock may say what it likes, and nothing is reckoned from it that could overflow.
static Result<void> read_status_field(Status& status, const TlvField& field) {
  Reader reader(field.value);
  if (field.type == status_field_time) {
    if (field.value.size() != 8) return fail(bad_value, "status time");
    TRY(time, reader.u64());
    status.time = static_cast<int64_t>(time);
  }
  if (field.type == status_field_seen_as) {
    if (field.value.size() != 18) return fail(bad_value, "status seen_as");
    TRY(ip, reader.array<16>());
    TRY(port, reader.u16());
    status.seen_as = Endpoint{IpAddress{ip}, port};
  }
  return {};
}

static Result<Message> read_status(Reader& reader) {
  TRY(version, reader.u16());
  if (version == 0) return fail(bad_value, "status version");
  TRY(tip, reader.id<BlockHash>());
  TRY(height, reader.u64());
  TRY(score_length, reader.u8());
  if (score_length > limits::score_bytes_max) return fail(too_large, "score");
  TRY(score, reader.bytes(score_length));
  TRY(services, reader.u64());
  TRY(listen_port, reader.u16());
  TRY(agent_length, reader.u16());
  TRY(user_agent, read_text(reader, agent_length, limits::user_agent_bytes_max));
  Status status{version, tip, height, to_bytes(score), services, listen_port, std::move(user_agent)};
  TRY_VOID(read_tlv(reader, limits::tlv_bytes_max, [&](const TlvField& field) { return read_status_field(status, field); }));
  return status;
}

static void write(Writer& writer, const Ping& message) { writer.u64(message.nonce); }
static void write(Writer& writer, const Pong& message) { writer.u64(message.nonce); }

template <class Echo>
static Result<Message> read_echo(Reader& reader) {
  TRY(nonce, reader.u64());
  TRY_VOID(reader.end());
  return Echo{nonce};
}

static void write(Writer& writer, const Reject& message) {
  writer.u16(message.command).u16(static_cast<uint16_t>(message.reason)).bytes(message.subject.view());
  writer.u8(static_cast<uint8_t>(message.text.size()));
  write_text(writer, message.text, limits::reason_text_bytes_max);
}

// Any reason is taken: a later version may know more of them, and error_info names those it does not know.
static Result<Message> read_reject(Reader& reader) {
  TRY(command, reader.u16());
  TRY(reason, reader.u16());
  TRY(subject, reader.id<BlockHash>());
  TRY(length, reader.u8());
  TRY(text, read_text(reader, length, limits::reason_text_bytes_max));
  TRY_VOID(skip_tlv(reader));
  return Reject{command, static_cast<ErrorCode>(reason), subject, std::move(text)};
}

// --- addresses ---

static constexpr uint8_t address_has_node = 1;
static constexpr size_t address_bytes_min = 35;

static void write(Writer&, const GetAddresses&) {}

static Result<Message> read_get_addresses(Reader& reader) {
  TRY_VOID(skip_tlv(reader));
  return GetAddresses{};
}

static void write(Writer& writer, const Addresses& message) {
  ASSERT(message.entries.size() <= limits::addresses_max);
  writer.u16(static_cast<uint16_t>(message.entries.size()));
  for (const PeerAddress& entry : message.entries) {
    writer.bytes(entry.endpoint.ip.bytes).u16(entry.endpoint.port).u8(entry.node ? address_has_node : 0);
    if (entry.node) writer.bytes(entry.node->view());
    writer.u64(entry.services).u64(static_cast<uint64_t>(entry.last_seen));
  }
}

static Result<PeerAddress> read_address(Reader& reader) {
  PeerAddress entry;
  TRY(ip, reader.array<16>());
  TRY(port, reader.u16());
  TRY(flags, reader.u8());
  if (flags & ~address_has_node) return fail(bad_value, "address flags");
  entry.endpoint = {IpAddress{ip}, port};
  if (flags & address_has_node) {
    TRY(node, reader.id<NodeId>());
    entry.node = node;
  }
  TRY(services, reader.u64());
  TRY(last_seen, reader.u64());
  // A time is not negative, and not so late that sums with it overflow.
  if (last_seen > uint64_t{1} << 40) return fail(bad_value, "last seen");
  entry.services = services;
  entry.last_seen = static_cast<int64_t>(last_seen);
  return entry;
}

static Result<Message> read_addresses(Reader& reader) {
  TRY(count, reader.u16());
  if (count > limits::addresses_max) return fail(too_large, "number of addresses");
  if (reader.remaining() < count * address_bytes_min) return fail(truncated, "addresses");
  Addresses message;
  message.entries.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    TRY(entry, read_address(reader));
    message.entries.push_back(entry);
  }
  TRY_VOID(skip_tlv(reader));
  return message;
}

// --- headers and blocks ---

static void write(Writer& writer, const GetHeaders& message) {
  ASSERT(!message.locator.empty());
  writer.u8(static_cast<uint8_t>(message.locator.size()));
  write_hashes(writer, message.locator, limits::locator_hashes_max);
  writer.bytes(message.stop.view());
}

static Result<Message> read_get_headers(Reader& reader) {
  TRY(count, reader.u8());
  if (count == 0) return fail(bad_value, "empty locator");
  TRY(locator, read_hashes(reader, count, limits::locator_hashes_max));
  TRY(stop, reader.id<BlockHash>());
  TRY_VOID(skip_tlv(reader));
  return GetHeaders{std::move(locator), stop};
}

static void write(Writer& writer, const Headers& message) {
  ASSERT(message.headers.size() <= limits::headers_max);
  writer.u16(static_cast<uint16_t>(message.headers.size()));
  for (const Bytes& header : message.headers) {
    ASSERT(header.size() >= limits::header_bytes_min && header.size() <= limits::header_bytes_max);
    writer.u16(static_cast<uint16_t>(header.size())).bytes(header);
  }
}

static Result<Message> read_headers(Reader& reader) {
  TRY(count, reader.u16());
  if (count > limits::headers_max) return fail(too_large, "number of headers");
  if (reader.remaining() < size_t{count} * (2 + limits::header_bytes_min)) return fail(truncated, "headers");
  Headers message;
  message.headers.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    TRY(length, reader.u16());
    if (length < limits::header_bytes_min) return fail(bad_value, "header that cannot name its parent");
    if (length > limits::header_bytes_max) return fail(too_large, "header");
    TRY(header, reader.bytes(length));
    message.headers.push_back(to_bytes(header));
  }
  TRY_VOID(reader.end());
  return message;
}

static void write(Writer& writer, const Inventory& message) {
  ASSERT(message.items.size() <= limits::inventory_items_max);
  writer.u16(static_cast<uint16_t>(message.items.size()));
  for (const InventoryItem& item : message.items) writer.u8(static_cast<uint8_t>(item.type)).bytes(item.hash.view());
}

static Result<Message> read_inventory(Reader& reader) {
  TRY(count, reader.u16());
  if (count > limits::inventory_items_max) return fail(too_large, "number of items");
  if (reader.remaining() < size_t{count} * 33) return fail(truncated, "items");
  Inventory message;
  message.items.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    TRY(type, reader.u8());
    if (type != 1 && type != 2) return fail(bad_value, "item type");
    TRY(hash, reader.id<BlockHash>());
    message.items.push_back({static_cast<InventoryType>(type), hash});
  }
  TRY_VOID(reader.end());
  return message;
}

static void write(Writer& writer, const GetBlocks& message) {
  ASSERT(!message.hashes.empty());
  writer.u8(static_cast<uint8_t>(message.hashes.size()));
  write_hashes(writer, message.hashes, limits::block_request_hashes_max);
}

static Result<Message> read_get_blocks(Reader& reader) {
  TRY(count, reader.u8());
  if (count == 0) return fail(bad_value, "no hashes");
  TRY(hashes, read_hashes(reader, count, limits::block_request_hashes_max));
  TRY_VOID(reader.end());
  // One request must not cost several answers.
  if (std::set(hashes.begin(), hashes.end()).size() != hashes.size()) return fail(not_canonical, "a hash twice");
  return GetBlocks{std::move(hashes)};
}

static void write(Writer& writer, const NotFound& message) {
  writer.u8(static_cast<uint8_t>(message.hashes.size()));
  write_hashes(writer, message.hashes, limits::block_request_hashes_max);
}

static Result<Message> read_not_found(Reader& reader) {
  TRY(count, reader.u8());
  TRY(hashes, read_hashes(reader, count, limits::block_request_hashes_max));
  TRY_VOID(reader.end());
  return NotFound{std::move(hashes)};
}

// Bodies go beside the head; an empty one is our own bug.
static void write(Writer&, const Block& message) { ASSERT(!message.bytes.empty()); }
static void write(Writer&, const Consensus& message) { ASSERT(!message.bytes.empty()); }
static void write(Writer&, const Succession& message) { ASSERT(!message.bytes.empty()); }
static void write(Writer&, const Announcement& message) { ASSERT(!message.bytes.empty()); }
static void write(Writer&, const Unknown&) { ASSERT(false); }

template <class Body>
static Result<Message> read_body(SharedBytes payload) {
  if (payload.empty()) return fail(bad_value, "empty body");
  return Body{std::move(payload)};
}

void write_payload(Writer& writer, const Message& message) {
  std::visit([&](const auto& value) { write(writer, value); }, message);
}

Result<Message> read_payload(Command command, SharedBytes payload) {
  Reader reader(payload.view());
  switch (command) {
    case Command::open_channel: return read_open_channel(reader);
    case Command::status: return read_status(reader);
    case Command::ping: return read_echo<Ping>(reader);
    case Command::pong: return read_echo<Pong>(reader);
    case Command::reject: return read_reject(reader);
    case Command::get_addresses: return read_get_addresses(reader);
    case Command::addresses: return read_addresses(reader);
    case Command::get_headers: return read_get_headers(reader);
    case Command::headers: return read_headers(reader);
    case Command::inventory: return read_inventory(reader);
    case Command::get_blocks: return read_get_blocks(reader);
    case Command::block: return read_body<Block>(std::move(payload));
    case Command::not_found: return read_not_found(reader);
    case Command::consensus: return read_body<Consensus>(std::move(payload));
    case Command::succession: return read_body<Succession>(std::move(payload));
    case Command::announcement: return read_body<Announcement>(std::move(payload));
  }
  return Message{Unknown{static_cast<uint16_t>(command)}};
}

}  // namespace lattice::wire
