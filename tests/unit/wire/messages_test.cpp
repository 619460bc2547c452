#include <gtest/gtest.h>

#include <limits>

#include <lattice/base/crc32c.hpp>
#include <lattice/wire/codec.hpp>
#include <lattice/wire/tlv.hpp>

#include "samples.hpp"

namespace lattice::wire {
namespace {

using enum ErrorCode;

// A message with a right checksum and whatever payload.
SharedBytes with_payload(uint16_t command, ByteView payload, uint16_t version = 1) {
  Writer writer;
  writer.u16(version).u16(command).u32(static_cast<uint32_t>(payload.size()));
  const uint32_t checksum = crc32c(payload, crc32c(writer.view()));
  writer.u32(checksum).bytes(payload);
  return SharedBytes(writer.take());
}
SharedBytes with_payload(Command command, ByteView payload) { return with_payload(static_cast<uint16_t>(command), payload); }

ErrorCode error_of(const Result<Message>& result) { return result ? none : result.error().code; }
ErrorCode decode_error(Command command, ByteView payload) { return error_of(decode(with_payload(command, payload))); }

Bytes payload_of(const Message& message) {
  const SharedBytes whole = joined(message);
  return to_bytes(whole.view().subspan(limits::message_header_bytes));
}

TEST(Messages, EachComesBackAsItWas) {
  for (const Message& message : samples()) {
    const Result<Message> back = decode(joined(message));
    ASSERT_TRUE(back) << command_name(static_cast<uint16_t>(command_of(message))) << ": " << back.error().where;
    EXPECT_EQ(*back, message);
  }
}

TEST(Messages, SamplesHoldEveryCommand) { EXPECT_EQ(samples().size() + 1, std::variant_size_v<Message>); }

TEST(Messages, EachTruncationIsRefused) {
  for (const Message& message : samples()) {
    const SharedBytes whole = joined(message);
    for (size_t length = 0; length < whole.size(); ++length) EXPECT_EQ(error_of(decode(whole.part(0, length))), truncated);
  }
}

// Cut payloads whose header says the cut length: never taken where the layout has a fixed end.
TEST(Messages, EachShorterPayloadIsRefused) {
  for (const Message& message : samples()) {
    const Command command = command_of(message);
    const bool any_length = command == Command::block || command == Command::consensus || command == Command::succession ||
                            command == Command::announcement;
    if (any_length || command == Command::get_addresses) continue;
    const Bytes payload = payload_of(message);
    for (size_t length = 0; length < payload.size(); ++length) {
      EXPECT_NE(decode_error(command, ByteView(payload).first(length)), none)
          << command_name(static_cast<uint16_t>(command)) << length;
    }
  }
}

TEST(Messages, TrailingBytesAreRefused) {
  for (const Message& message : samples()) {
    Bytes whole = to_bytes(joined(message).view());
    whole.push_back(0);
    EXPECT_EQ(error_of(decode(SharedBytes(std::move(whole)))), trailing_bytes);
  }
}

TEST(Messages, TrailingPayloadIsRefusedWhereNothingCanFollow) {
  for (const Command command :
       {Command::ping, Command::pong, Command::headers, Command::inventory, Command::get_blocks, Command::not_found}) {
    for (const Message& message : samples()) {
      if (command_of(message) != command) continue;
      Bytes payload = payload_of(message);
      payload.push_back(0);
      const ErrorCode code = decode_error(command, payload);
      EXPECT_TRUE(code == trailing_bytes || code == too_large) << error_name(code);
    }
  }
}

TEST(Messages, AnyFlippedBitIsCaught) {
  const SharedBytes whole = joined(samples()[1]);
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes changed = to_bytes(whole.view());
    changed[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    EXPECT_FALSE(decode(SharedBytes(std::move(changed)))) << bit;
  }
}

TEST(Messages, UnknownCommandIsUnknown) {
  const Result<Message> message = decode(with_payload(0x7777, as_bytes("whatever it says")));
  ASSERT_TRUE(message);
  EXPECT_EQ(std::get<Unknown>(*message).command, 0x7777);
  EXPECT_EQ(command_name(0x7777), "unknown");
}

TEST(Messages, UnknownExtensionFieldsAreSkipped) {
  for (const Message& message : samples()) {
    const Command command = command_of(message);
    const bool extensible = command == Command::open_channel || command == Command::status || command == Command::reject ||
                            command == Command::get_addresses || command == Command::addresses ||
                            command == Command::get_headers;
    if (!extensible) continue;
    Writer writer;
    writer.bytes(payload_of(message));
    write_tlv(writer, 7, as_bytes("new"));
    write_tlv(writer, 9, {});
    const Result<Message> back = decode(with_payload(command, writer.view()));
    ASSERT_TRUE(back) << back.error().where;
    EXPECT_EQ(*back, message);
  }
}

TEST(Messages, ExtensionFieldsHaveOneOrderAndLimits) {
  const auto after_status = [](auto fill) {
    Writer writer;
    writer.bytes(payload_of(samples()[1]));
    fill(writer);
    return decode_error(Command::status, writer.view());
  };
  EXPECT_EQ(after_status([](Writer& w) { write_tlv(w, 102, {}), write_tlv(w, 101, {}); }), not_canonical);
  EXPECT_EQ(after_status([](Writer& w) { write_tlv(w, 102, {}), write_tlv(w, 102, {}); }), not_canonical);
  EXPECT_EQ(after_status([](Writer& w) { w.u16(1).u16(5).u8(0); }), truncated);
  EXPECT_EQ(after_status([](Writer& w) { w.u8(1); }), truncated);
  const auto many = [](size_t count) {
    return [count](Writer& w) {
      for (size_t i = 0; i < count; ++i) write_tlv(w, static_cast<uint16_t>(100 + i), {});  // status has fields 1 and 2
    };
  };
  EXPECT_EQ(after_status(many(limits::tlv_fields_max)), none);
  EXPECT_EQ(after_status(many(limits::tlv_fields_max + 1)), too_large);
  EXPECT_EQ(after_status([](Writer& w) { write_tlv(w, 100, Bytes(limits::tlv_bytes_max - 4)); }), none);
  EXPECT_EQ(after_status([](Writer& w) { write_tlv(w, 100, Bytes(limits::tlv_bytes_max - 3)); }), too_large);
}

// Of whichever clock, and of whichever address: both are claims.
TEST(Messages, FieldsOfStatus) {
  Status status{1, hash_of(0xab), 258, {0x10, 0x00}, 1, 8333, "/x/"};
  const std::string plain = to_hex(payload_of(status));
  status.time = 0x0102030405060708;
  status.seen_as = Endpoint{IpAddress::v4(1, 2, 3, 4), 0x2345};
  EXPECT_EQ(to_hex(payload_of(status)), plain +
                                            "0001"
                                            "0008"
                                            "0102030405060708"
                                            "0002"
                                            "0012"
                                            "00000000000000000000ffff01020304"
                                            "2345");
  for (const int64_t time : {std::numeric_limits<int64_t>::min(), int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    status.time = time;
    const auto back = decode(with_payload(Command::status, payload_of(status)));
    ASSERT_TRUE(back);
    EXPECT_EQ(std::get<Status>(*back), status);
  }
  const auto with_field = [&](uint16_t type, size_t bytes) {
    Writer writer;
    writer.bytes(payload_of(Status{1, hash_of(0xab), 258, {}, 1, 8333, "/x/"}));
    write_tlv(writer, type, Bytes(bytes));
    return decode_error(Command::status, writer.view());
  };
  for (const size_t bytes : {0, 7, 9}) EXPECT_EQ(with_field(1, bytes), bad_value);
  for (const size_t bytes : {0, 17, 19}) EXPECT_EQ(with_field(2, bytes), bad_value);
  EXPECT_EQ(with_field(1, 8), none);
  EXPECT_EQ(with_field(2, 18), none);
}

TEST(Messages, LengthIsBoundedByTheCommandBeforeTheBytesAreThere) {
  const auto header = [](Command command, size_t length) {
    Writer writer;
    writer.u16(1).u16(static_cast<uint16_t>(command)).u32(static_cast<uint32_t>(length)).u32(0);
    const Result<MessageHeader> read = read_message_header(writer.view());
    return read ? none : read.error().code;
  };
  EXPECT_EQ(header(Command::ping, 8), none);
  EXPECT_EQ(header(Command::ping, 9), too_large);
  EXPECT_EQ(header(Command::block, limits::block_bytes_max), none);
  EXPECT_EQ(header(Command::block, limits::block_bytes_max + 1), too_large);
  EXPECT_EQ(header(Command::headers, limits::headers_bytes_max), none);
  EXPECT_EQ(header(Command::headers, limits::headers_bytes_max + 1), too_large);
  EXPECT_EQ(header(static_cast<Command>(999), limits::small_message_bytes_max), none);
  EXPECT_EQ(header(static_cast<Command>(999), limits::small_message_bytes_max + 1), too_large);
  EXPECT_EQ(header(Command::consensus, 0xffffffff), too_large);
  EXPECT_EQ(header(Command::succession, limits::succession_bytes_max), none);
  EXPECT_EQ(header(Command::succession, limits::succession_bytes_max + 1), too_large);
  EXPECT_EQ(header(Command::announcement, limits::announcement_bytes_max), none);
  EXPECT_EQ(header(Command::announcement, limits::announcement_bytes_max + 1), too_large);
}

TEST(Messages, EachCountHasItsLimit) {
  const auto counted = [](Command command, bool wide, size_t count, size_t entry_bytes, size_t tail) {
    Writer writer;
    if (wide)
      writer.u16(static_cast<uint16_t>(count));
    else
      writer.u8(static_cast<uint8_t>(count));
    for (size_t i = 0; i < count; ++i) {
      Bytes entry(entry_bytes, 1);
      if (entry_bytes >= 32) store_be(entry.data() + entry_bytes - 4, static_cast<uint32_t>(i));
      if (command == Command::headers) entry[0] = 0, entry[1] = limits::header_bytes_min;
      if (command == Command::addresses) entry = Bytes(35, 0);
      writer.bytes(entry);
    }
    writer.bytes(Bytes(tail, 0));
    return decode_error(command, writer.view());
  };
  EXPECT_EQ(counted(Command::get_headers, false, 0, 32, 32), bad_value);
  EXPECT_EQ(counted(Command::get_headers, false, limits::locator_hashes_max, 32, 32), none);
  EXPECT_EQ(counted(Command::get_headers, false, limits::locator_hashes_max + 1, 32, 32), too_large);
  EXPECT_EQ(counted(Command::get_blocks, false, 0, 32, 0), bad_value);
  EXPECT_EQ(counted(Command::get_blocks, false, limits::block_request_hashes_max, 32, 0), none);
  EXPECT_EQ(counted(Command::get_blocks, false, limits::block_request_hashes_max + 1, 32, 0), too_large);
  EXPECT_EQ(counted(Command::not_found, false, limits::block_request_hashes_max, 32, 0), none);
  EXPECT_EQ(counted(Command::not_found, false, limits::block_request_hashes_max + 1, 32, 0), too_large);
  EXPECT_EQ(counted(Command::inventory, true, limits::inventory_items_max, 33, 0), none);
  EXPECT_EQ(counted(Command::inventory, true, limits::inventory_items_max + 1, 33, 0), too_large);
  EXPECT_EQ(counted(Command::addresses, true, limits::addresses_max, 35, 0), none);
  EXPECT_EQ(counted(Command::addresses, true, limits::addresses_max + 1, 35, 0), too_large);
  EXPECT_EQ(counted(Command::headers, true, limits::headers_max, 2 + limits::header_bytes_min, 0), none);
  EXPECT_EQ(counted(Command::headers, true, limits::headers_max + 1, 2 + limits::header_bytes_min, 0), too_large);
}

// A count of 65,535 in a message of three bytes takes no memory for 65,535 entries: it is refused first.
TEST(Messages, ClaimedCountWithoutBytesIsTruncated) {
  EXPECT_EQ(decode_error(Command::headers, Bytes{0x07, 0xd0, 0}), truncated);
  EXPECT_EQ(decode_error(Command::addresses, Bytes{0x03, 0xe8, 0}), truncated);
  EXPECT_EQ(decode_error(Command::inventory, Bytes{0x03, 0xe8, 0}), truncated);
}

TEST(Messages, TextIsPrintableAndBounded) {
  const auto status = [](ByteView agent) {
    Writer writer;
    writer.u16(1).bytes(hash_of(1).view()).u64(1).u8(0).u64(0).u16(0).u16(static_cast<uint16_t>(agent.size())).bytes(agent);
    return decode_error(Command::status, writer.view());
  };
  EXPECT_EQ(status(Bytes(limits::user_agent_bytes_max, 'a')), none);
  EXPECT_EQ(status(Bytes(limits::user_agent_bytes_max + 1, 'a')), too_large);
  for (const uint8_t byte : {0x00, 0x1b, 0x1f, 0x7f, 0x80, 0xff}) EXPECT_EQ(status(Bytes{byte}), bad_value) << int{byte};
  EXPECT_EQ(status(Bytes{' ', '~'}), none);
}

TEST(Messages, FieldsThatCannotBe) {
  const auto header_of = [](size_t bytes) {
    Writer writer;
    writer.u16(1).u16(static_cast<uint16_t>(bytes)).bytes(Bytes(std::max(bytes, limits::header_bytes_min)));
    return writer.take();
  };
  Bytes addresses = payload_of(samples()[6]);
  addresses[2 + 18] = 2;  // unknown flag
  EXPECT_EQ(decode_error(Command::addresses, addresses), bad_value);
  Bytes inventory = payload_of(samples()[9]);
  inventory[2] = 3;
  EXPECT_EQ(decode_error(Command::inventory, inventory), bad_value);
  EXPECT_EQ(decode_error(Command::block, {}), bad_value);
  EXPECT_EQ(decode_error(Command::consensus, {}), bad_value);
  EXPECT_EQ(decode_error(Command::succession, {}), bad_value);
  EXPECT_EQ(decode_error(Command::announcement, {}), bad_value);
  EXPECT_EQ(decode_error(Command::headers, header_of(0)), bad_value);
  EXPECT_EQ(decode_error(Command::headers, header_of(limits::header_bytes_min - 1)), bad_value);
  EXPECT_EQ(decode_error(Command::headers, header_of(limits::header_bytes_max + 1)), too_large);
  EXPECT_EQ(decode_error(Command::open_channel, Bytes(34, 0)), bad_value);
  EXPECT_EQ(error_of(decode(with_payload(3, Bytes(8, 0), 0))), bad_value);  // version 0
  Bytes late = payload_of(samples()[6]);
  late[late.size() - 8] = 0x80;  // last_seen above 2^40
  EXPECT_EQ(decode_error(Command::addresses, late), bad_value);
}

TEST(Messages, AHashTwiceInGetBlocksIsRefused) {
  Writer writer;
  writer.u8(3).bytes(hash_of(1).view()).bytes(hash_of(2).view()).bytes(hash_of(1).view());
  EXPECT_EQ(decode_error(Command::get_blocks, writer.view()), not_canonical);
}

TEST(Messages, ABlockIsAViewOfWhatCameIn) {
  const SharedBytes whole = joined(Block{SharedBytes(Bytes(1000, 7))});
  const Result<Message> message = decode(whole);
  ASSERT_TRUE(message);
  EXPECT_EQ(std::get<Block>(*message).bytes.data(), whole.data() + limits::message_header_bytes);
}

TEST(Messages, ABlockGoesOutWithoutACopy) {
  const SharedBytes body(Bytes(1000, 7));
  const EncodedMessage encoded = encode(Block{body}, 1);
  EXPECT_EQ(encoded.body.data(), body.data());
  EXPECT_EQ(encoded.head.size(), limits::message_header_bytes);
  EXPECT_EQ(encoded.size(), limits::message_header_bytes + 1000);
}

TEST(Messages, ControlGoesByControl) {
  EXPECT_EQ(lane_of(Command::ping), Lane::control);
  EXPECT_EQ(lane_of(Command::status), Lane::control);
  EXPECT_EQ(lane_of(Command::consensus), Lane::consensus);
  EXPECT_EQ(lane_of(Command::headers), Lane::headers);
  EXPECT_EQ(lane_of(Command::block), Lane::blocks);
  EXPECT_EQ(lane_of(Command::succession), Lane::transactions);
  EXPECT_EQ(lane_of(Command::announcement), Lane::transactions);
}

// The bytes that docs/PROTOCOL.md shows.
TEST(Messages, GoldenBytes) {
  EXPECT_EQ(to_hex(joined(Ping{0x0102030405060708}).view()), "0001000300000008065a70d80102030405060708");
  EXPECT_EQ(to_hex(joined(GetAddresses{}).view()), "00010010000000006b09ff91");
  EXPECT_EQ(to_hex(payload_of(Status{1, hash_of(0xab), 258, {0x10, 0x00}, 1, 8333, "/x/"})),
            "0001abababababababababababababababababababababababababababababababab0000000000000102"
            "0210000000000000000001208d00032f782f");
  EXPECT_EQ(to_hex(payload_of(Reject{36, bad_merkle_root, hash_of(0), "no"})), "00240068" + std::string(64, '0') + "026e6f");
  EXPECT_EQ(to_hex(payload_of(Addresses{{{{IpAddress::v4(192, 0, 2, 1), 8333}, std::nullopt, 1, 5}}})),
            "000100000000000000000000ffffc0000201208d0000000000000000010000000000000005");
  EXPECT_EQ(to_hex(joined(Succession{shared({1, 2, 3})}).view()), "000100060000000321946d23010203");
  EXPECT_EQ(to_hex(joined(Announcement{shared({1, 2, 3})}).view()), "000100120000000384ffe6fa010203");
  EXPECT_EQ(to_hex(payload_of(Headers{{Bytes(limits::header_bytes_min, 0xaa)}})), "00010020" + std::string(64, 'a'));
}

}  // namespace
}  // namespace lattice::wire
