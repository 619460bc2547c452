// One message of each kind, filled.
#pragma once

#include <lattice/wire/messages.hpp>

namespace lattice::wire {

inline BlockHash hash_of(uint8_t byte) {
  BlockHash hash;
  hash.bytes.fill(byte);
  return hash;
}

inline SharedBytes shared(std::initializer_list<uint8_t> bytes) { return SharedBytes(Bytes(bytes)); }

// As it travels, in one piece.
inline SharedBytes joined(const Message& message, uint16_t version = 1) {
  EncodedMessage encoded = encode(message, version);
  append(encoded.head, encoded.body.view());
  return SharedBytes(std::move(encoded.head));
}

inline std::vector<Message> samples() {
  ChainId chain;
  chain.bytes.fill(0xcc);
  NodeId node;
  node.bytes.fill(0x77);
  const PeerAddress with_node{{IpAddress::v4(192, 0, 2, 1), 8333}, node, service_blocks, 1'700'000'000};
  const PeerAddress without_node{{*IpAddress::parse("2001:db8::1"), 18444}, std::nullopt, 0, 0};
  return {
      OpenChannel{chain, 3},
      Status{1, hash_of(1), 900'000, {1, 2, 3}, service_blocks, 8333, "/lattice:0.1.0/"},
      Ping{0x0102030405060708},
      Pong{42},
      Reject{36, ErrorCode::bad_merkle_root, hash_of(9), "wrong root"},
      GetAddresses{},
      Addresses{{with_node, without_node}},
      GetHeaders{{hash_of(3), hash_of(2), hash_of(1)}, hash_of(0)},
      Headers{{Bytes(80, 0xaa), Bytes(80, 0xbb)}},
      Inventory{{{InventoryType::block, hash_of(5)}, {InventoryType::transaction, hash_of(6)}}},
      GetBlocks{{hash_of(7), hash_of(8)}},
      Block{shared({1, 2, 3, 4, 5})},
      NotFound{{hash_of(7)}},
      Consensus{shared({9, 8, 7})},
      Succession{shared({4, 5, 6})},
      Announcement{shared({7, 8})},
  };
}

}  // namespace lattice::wire
