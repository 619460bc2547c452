// Messages that take more memory when they are read than they had bytes on the wire.
#include <gtest/gtest.h>

#include <lattice/chains/bitcoin/primitives.hpp>
#include <lattice/wire/tlv.hpp>

#include "target.hpp"

namespace lattice::threats {
namespace {

using wire::Command;
using wire::Lane;
using wire::Writer;

constexpr uint16_t number(Command command) { return static_cast<uint16_t>(command); }

// 22. What a message takes in memory once it is read, for each byte that it had on the wire, at its worst.
TEST(Threats, DecodedBytesPerWireByte) {
  struct Bomb {
    std::string what;
    Bytes message;
  };
  std::vector<Bomb> bombs;
  const auto add = [&](std::string what, Command command, ByteView payload) {
    bombs.push_back({std::move(what), forged(number(command), payload)});
  };
  for (const size_t count : {size_t{1}, size_t{10}, limits::headers_max}) {
    Writer headers;
    headers.u16(static_cast<uint16_t>(count));
    for (size_t i = 0; i < count; ++i) headers.u16(limits::header_bytes_min).bytes(Bytes(limits::header_bytes_min));
    add("headers", Command::headers, headers.view());
  }
  Writer addresses, inventory, hashes, locator, agent, tlv;
  addresses.u16(limits::addresses_max).bytes(Bytes(limits::addresses_max * 35));
  inventory.u16(limits::inventory_items_max);
  for (size_t i = 0; i < limits::inventory_items_max; ++i) inventory.u8(1).bytes(Bytes(32));
  hashes.u8(limits::block_request_hashes_max).bytes(Bytes(limits::block_request_hashes_max * 32));
  locator.u8(limits::locator_hashes_max).bytes(Bytes((limits::locator_hashes_max + 1) * 32));
  agent.u16(1).bytes(Bytes(40)).u8(32).bytes(Bytes(32)).u64(1).u16(1).u16(256).bytes(Bytes(256, 'a'));
  for (uint16_t type = 0; type < limits::tlv_fields_max; ++type) wire::write_tlv(tlv, type, {});
  add("addresses", Command::addresses, addresses.view());
  add("inventory", Command::inventory, inventory.view());
  add("not_found", Command::not_found, hashes.view());
  add("get_headers", Command::get_headers, locator.view());
  add("status", Command::status, agent.view());
  add("extension fields", Command::get_addresses, tlv.view());
  add("ping", Command::ping, Bytes(8));
  add("block", Command::block, Bytes(1));
  add("consensus", Command::consensus, Bytes(1));
  for (const Bomb& bomb : bombs) {
    const SharedBytes bytes{bomb.message};
    const size_t before = heap::held();
    heap::reset_peak();
    {
      heap::Counted counted;
      const auto message = wire::decode(bytes);
      ASSERT_TRUE(message.has_value()) << bomb.what;
      EXPECT_LE(heap::peak() - before, 4 * bomb.message.size()) << bomb.what << ", " << bomb.message.size() << " bytes";
    }
    EXPECT_EQ(heap::held(), before);
  }
}

// 22. A header that is too short to name its parent is none: a thousand of them would cost more than they weigh.
TEST(Threats, HeadersThatAreTooShortToBeAny) {
  Target target;
  target.start();
  Writer headers;
  headers.u16(1).u16(limits::header_bytes_min - 1).bytes(Bytes(limits::header_bytes_min));
  Caller peer(target, 1);
  ASSERT_TRUE(peer.open());
  peer.send_frames(frames_of(forged(number(Command::headers), headers.view()), Lane::headers));
  ASSERT_TRUE(peer.closed);
  EXPECT_EQ(target.left(peer.endpoint)->reason, ErrorCode::bad_value);
}

// 22. The same from the socket to the node: a read full of the smallest messages.
TEST(Threats, AReadFullOfTheSmallestMessages) {
  Target target;
  target.config.costs.messages = {10'000, 10'000};  // what they cost is another test's matter
  target.start();
  Caller peer(target, 1);
  peer.status.services = 0;
  ASSERT_TRUE(peer.open());
  peer.reads = false;
  // A reject is taken in silence: nothing of it stays.
  const Bytes reject = forged(number(Command::reject), Bytes(37));
  std::vector<Bytes> frames;
  for (int i = 0; i < 1000; ++i) frames.push_back(frames_of(reject, Lane::control).front());
  const Bytes sealed = peer.seal(frames);
  const size_t before = heap::held();
  heap::reset_peak();
  peer.send_raw(sealed);
  EXPECT_FALSE(peer.closed);
  EXPECT_LE(heap::peak() - before, 8 * read_bytes);
  EXPECT_LE(heap::held(), before + 6 * read_bytes) << "room that stays for the next";
}

// 22. The most transactions that a block can have, for its bytes.
TEST(Threats, ABlockOfTheSmallestTransactions) {
  Bytes block(bitcoin::header_bytes);
  const size_t count = (limits::block_bytes_max - 100) / 60;
  block.push_back(0xfe);
  for (int shift = 0; shift < 32; shift += 8) block.push_back(static_cast<uint8_t>(count >> shift));
  Bytes tx{1, 0, 0, 0, 1};
  tx.resize(tx.size() + 36);                            // outpoint
  tx.insert(tx.end(), {0, 0xff, 0xff, 0xff, 0xff, 1});  // no script
  tx.resize(tx.size() + 8);                             // value
  tx.insert(tx.end(), {0, 0, 0, 0, 0});                 // no script, lock time
  ASSERT_EQ(tx.size(), 60u);
  for (size_t i = 0; i < count; ++i) append(block, tx);
  const size_t before = heap::held();
  heap::reset_peak();
  {
    heap::Counted counted;
    const auto parsed = bitcoin::parse_block(block);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->transactions.size(), count);
  }
  EXPECT_LE(heap::peak() - before, 4 * block.size());
}

}  // namespace
}  // namespace lattice::threats
