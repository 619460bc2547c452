// Any bytes as what becomes of an address book, and as its file: nothing breaks, what is loaded can be saved and loaded again,
// and the book agrees with itself.
#include <lattice/base/assert.hpp>
#include <lattice/base/crc32c.hpp>
#include <lattice/discovery/address_book_file.hpp>
#include <lattice/wire/reader.hpp>
#include <lattice/wire/writer.hpp>

using namespace lattice;

static constexpr ChainId chain{};
static constexpr size_t capacity = 512;
static const auto any = [](const KnownAddress&) { return true; };

// Every entry stands where its places say, and nobody else does.
static void agree(const AddressBook& book) {
  const AddressPool& pool = book.pool();
  size_t live = 0, refs = 0, tried = 0;
  for (uint32_t slot = 0; slot < pool.slots_end(); ++slot) {
    const PoolEntry& entry = pool.at(slot);
    if (!entry.live) continue;
    ++live;
    ASSERT(pool.find(entry.endpoint(), book.places().mark(entry.endpoint())) == slot);
    const auto places = pool.new_places_of(slot);
    for (const uint32_t place : places) ASSERT(pool.at_new(place) == slot);
    ASSERT(entry.tried ? pool.at_tried(entry.head) == slot && places.empty() : !places.empty());
    ASSERT(places.size() == entry.refs && places.size() <= AddressBook::refs_max);
    refs += places.size();
    tried += entry.tried;
  }
  ASSERT(live == book.size() && refs == pool.new_count() && tried == pool.tried_count());
}

static void hold(ByteView file) {
  SeededRng rng(1);
  AddressBook book(rng, capacity);
  const Now now{Instant{}, wall_from_unix(1'800'000'000)};
  if (!load_address_book(book, file, chain, now.wall, now.mono)) {
    ASSERT(book.size() == 0);
    return;
  }
  agree(book);
  AddressBook again(rng, capacity);
  const Bytes written = encode_address_book(book, chain);
  ASSERT(load_address_book(again, written, chain, now.wall, now.mono));
  ASSERT(again.size() == book.size() && encode_address_book(again, chain) == written);
}

// Each operation: what is done, to which of 4,096 addresses, by whom, and a time.
static void operate(wire::Reader in) {
  SeededRng rng(2);
  AddressBook book(rng, capacity);
  Now now{Instant{}, wall_from_unix(1'800'000'000)};
  while (in.remaining() >= 12) {
    const uint8_t what = *in.u8(), group = *in.u8(), host = *in.u8(), teller = *in.u8();
    const auto number = static_cast<int64_t>(*in.u64());
    const Endpoint endpoint{IpAddress::v4(20, group, 0, host % 16), static_cast<uint16_t>(host / 128 + 1)};
    KnownAddress address;
    switch (what % 9) {
      case 0:
      case 1:
        address.endpoint = endpoint;
        address.last_seen = number;
        address.services = static_cast<uint64_t>(number);
        address.source = static_cast<PeerSource>(what / 9 % 6);
        if (number % 2 == 0) address.node = NodeId{{host}};
        book.add(address, IpAddress::v4(30, teller, 0, 1), now, rng);
        break;
      case 2: book.on_answered(endpoint, NodeId{{teller}}, teller, now); break;
      case 3: book.on_failed(endpoint, now.mono); break;
      case 4: book.on_dialing(endpoint, now.mono); break;
      case 5: book.on_connected(endpoint, now); break;
      case 6: teller % 16 == 0 ? book.mark_own(endpoint) : book.erase(endpoint); break;
      case 7: now = {Instant{Duration{number}}, wall_from_unix(number >> (teller % 64))}; break;
      default:
        book.choose(now.mono, AddressBook::pause_max, any, rng);
        book.choose_feeler(now.mono, any, rng);
        ASSERT(book.sample(IpAddress::v4(9, 9, 9, 9), teller, now, rng).size() <= teller);
    }
  }
  agree(book);
  hold(encode_address_book(book, chain));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes{data, size};
  operate(wire::Reader(bytes));
  hold(bytes);
  // So that the fuzzer need not guess the sum, nor the head.
  SeededRng rng(3);
  Bytes whole = encode_address_book(AddressBook(rng, capacity), chain);
  whole.resize(address_book_head_bytes - 4);
  wire::Writer out;
  const uint8_t count = bytes.empty() ? 0 : bytes[0];
  out.bytes(whole).u32(count).bytes(bytes.subspan(bytes.empty() ? 0 : 1));
  out.u32(crc32c(out.view()));
  hold(out.view());
  return 0;
}
