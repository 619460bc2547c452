#include <lattice/wire/messages.hpp>

#include <algorithm>
#include <array>

#include <lattice/base/assert.hpp>
#include <lattice/base/crc32c.hpp>
#include <lattice/wire/codec.hpp>
#include <lattice/wire/reader.hpp>

namespace lattice::wire {

using enum ErrorCode;

// One row a command. `bytes_max` bounds the payload before anything is allocated for it.
struct CommandInfo {
  Command command;
  std::string_view name;
  Lane lane;
  size_t bytes_max;
};

static constexpr size_t tlv = limits::tlv_bytes_max;
static constexpr CommandInfo commands[] = {
    {Command::open_channel, "open_channel", Lane::control, 34 + tlv},
    {Command::status, "status", Lane::control, 55 + limits::score_bytes_max + limits::user_agent_bytes_max + tlv},
    {Command::ping, "ping", Lane::control, 8},
    {Command::pong, "pong", Lane::control, 8},
    {Command::reject, "reject", Lane::control, 37 + limits::reason_text_bytes_max + tlv},
    {Command::succession, "succession", Lane::transactions, limits::succession_bytes_max},
    {Command::get_addresses, "get_addresses", Lane::transactions, tlv},
    {Command::addresses, "addresses", Lane::transactions, 2 + limits::addresses_max * 67 + tlv},
    {Command::announcement, "announcement", Lane::transactions, limits::announcement_bytes_max},
    {Command::get_headers, "get_headers", Lane::headers, 1 + limits::locator_hashes_max * 32 + 32 + tlv},
    {Command::headers, "headers", Lane::headers, limits::headers_bytes_max},
    {Command::inventory, "inventory", Lane::headers, 2 + limits::inventory_items_max * 33},
    {Command::get_blocks, "get_blocks", Lane::headers, 1 + limits::block_request_hashes_max * 32},
    {Command::block, "block", Lane::blocks, limits::block_bytes_max},
    {Command::not_found, "not_found", Lane::blocks, 1 + limits::block_request_hashes_max * 32},
    {Command::consensus, "consensus", Lane::consensus, limits::consensus_bytes_max},
};

static constexpr bool all_within_limits() {
  for (const CommandInfo& info : commands) {
    if (info.bytes_max + limits::message_header_bytes > limits::message_bytes_max) return false;
    const bool large = info.command == Command::block || info.command == Command::headers;
    if (!large && info.bytes_max > limits::small_message_bytes_max) return false;
  }
  return true;
}
static_assert(all_within_limits());

// Each message is looked up several times on its way: by its number, at once. 0 is no command.
static constexpr size_t command_numbers = 64;
static constexpr std::array<uint8_t, command_numbers> command_rows = [] {
  std::array<uint8_t, command_numbers> rows{};
  for (size_t i = 0; i < std::size(commands); ++i) rows[static_cast<size_t>(commands[i].command)] = static_cast<uint8_t>(i + 1);
  return rows;
}();

static const CommandInfo* find_command(uint16_t command) {
  if (command >= command_numbers || command_rows[command] == 0) return nullptr;
  return &commands[command_rows[command] - 1];
}

static size_t payload_bytes_max(uint16_t command) {
  const CommandInfo* info = find_command(command);
  return info ? info->bytes_max : limits::small_message_bytes_max;
}

// In the order of the variant.
static constexpr Command variant_commands[] = {
    Command::open_channel, Command::status,        Command::ping,       Command::pong,
    Command::reject,       Command::get_addresses, Command::addresses,  Command::get_headers,
    Command::headers,      Command::inventory,     Command::get_blocks, Command::block,
    Command::not_found,    Command::consensus,     Command::succession, Command::announcement};
static_assert(std::size(variant_commands) + 1 == std::variant_size_v<Message>);

Command command_of(const Message& message) {
  ASSERT(!std::holds_alternative<Unknown>(message));
  return variant_commands[message.index()];
}

Lane lane_of(Command command) {
  const CommandInfo* info = find_command(static_cast<uint16_t>(command));
  ASSERT(info);
  return info->lane;
}

bool may_travel(uint16_t command, Lane lane) {
  const CommandInfo* info = find_command(command);
  return info == nullptr || info->lane == lane;
}

std::string_view command_name(uint16_t command) {
  const CommandInfo* info = find_command(command);
  return info ? info->name : "unknown";
}

Result<MessageHeader> read_message_header(ByteView bytes) {
  Reader reader(bytes);
  TRY(version, reader.u16());
  TRY(command, reader.u16());
  TRY(length, reader.u32());
  TRY(checksum, reader.u32());
  if (version == 0) return fail(bad_value, "message version");
  if (length > payload_bytes_max(command)) return fail(too_large, "message length");
  return MessageHeader{version, command, length, checksum};
}

// The body that travels beside the head: a block is not copied.
static SharedBytes body_of(const Message& message) {
  if (const auto* block = std::get_if<Block>(&message)) return block->bytes;
  if (const auto* consensus = std::get_if<Consensus>(&message)) return consensus->bytes;
  if (const auto* succession = std::get_if<Succession>(&message)) return succession->bytes;
  if (const auto* announcement = std::get_if<Announcement>(&message)) return announcement->bytes;
  return {};
}

SharedBytes encode_to(const Message& message, uint16_t version, Bytes& to) {
  const Command command = command_of(message);
  SharedBytes body = body_of(message);
  const size_t start = to.size();
  Writer writer(std::move(to));
  writer.u16(version).u16(static_cast<uint16_t>(command)).u64(0);  // length and checksum: below
  if (body.empty()) write_payload(writer, message);
  to = writer.take();
  const size_t length = to.size() - start - limits::message_header_bytes + body.size();
  ASSERT(length <= payload_bytes_max(static_cast<uint16_t>(command)));
  uint8_t* header = to.data() + start;
  store_be(header + 4, static_cast<uint32_t>(length));
  const ByteView payload = ByteView(to).subspan(start + limits::message_header_bytes);
  store_be(header + 8, crc32c(body.view(), crc32c(payload, crc32c({header, 8}))));
  return body;
}

EncodedMessage encode(const Message& message, uint16_t version) {
  EncodedMessage encoded;
  encoded.body = encode_to(message, version, encoded.head);
  return encoded;
}

// The payload of a whole message.
static Result<std::pair<Command, ByteView>> check_message(ByteView bytes) {
  TRY(header, read_message_header(bytes));
  const size_t whole = limits::message_header_bytes + header.length;
  if (bytes.size() < whole) return fail(truncated, "message");
  if (bytes.size() > whole) return fail(trailing_bytes, "message");
  const ByteView payload = bytes.subspan(limits::message_header_bytes);
  if (crc32c(payload, crc32c(bytes.first(8))) != header.checksum) return fail(bad_checksum, "message");
  return std::pair(static_cast<Command>(header.command), payload);
}

Result<Message> decode(SharedBytes bytes) {
  TRY(message, check_message(bytes.view()));
  return read_payload(message.first, bytes.part(limits::message_header_bytes, message.second.size()));
}

Result<Message> decode_view(ByteView bytes) {
  TRY(message, check_message(bytes));
  const auto [command, payload] = message;
  const bool keeps = command == Command::block || command == Command::consensus || command == Command::succession ||
                     command == Command::announcement;
  return read_payload(command, keeps ? SharedBytes::copy_of(payload) : SharedBytes(nullptr, payload));
}

}  // namespace lattice::wire
