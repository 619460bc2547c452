// Distinct types for distinct things: a BlockHash is no NodeId, a ConnId is no index.
#pragma once

#include <compare>
#include <cstring>
#include <functional>

#include <lattice/base/bytes.hpp>

namespace lattice {

// Thirty-two bytes with a meaning. Ordered and hashed by value.
template <class Tag>
struct Id256 {
  ByteArray<32> bytes{};

  auto operator<=>(const Id256&) const = default;
  ByteView view() const { return bytes; }
  bool is_zero() const { return *this == Id256{}; }
  // `view` must hold exactly 32 bytes.
  static Id256 from(ByteView view) {
    Id256 id;
    std::memcpy(id.bytes.data(), view.data(), id.bytes.size());
    return id;
  }
};

using NodeId = Id256<struct NodeIdTag>;        // who: the hash of a node's public keys (HANDSHAKE, "Identity")
using BlockHash = Id256<struct BlockHashTag>;  // in wire order; Bitcoin's display order is the reverse
using ChainId = Id256<struct ChainIdTag>;      // genesis and consensus parameters
using CertHash = Id256<struct CertHashTag>;    // BLAKE2s-256 of a certificate's body

// A number with a meaning.
template <class Tag>
struct IdNumber {
  uint64_t value = 0;
  auto operator<=>(const IdNumber&) const = default;
};

using ConnId = IdNumber<struct ConnIdTag>;        // one connection, never used again in a process
using RequestId = IdNumber<struct RequestIdTag>;  // one request to the world or to the chain, never used again

// A block by its hash, and how far it is from the genesis.
struct BlockRef {
  BlockHash hash;
  uint64_t height = 0;
  bool operator==(const BlockRef&) const = default;
};

}  // namespace lattice

template <class Tag>
struct std::hash<lattice::Id256<Tag>> {
  // The bytes are hashes already; eight of them do. Not for tables whose keys a peer can grind: those are keyed.
  size_t operator()(const lattice::Id256<Tag>& id) const noexcept {
    size_t value;
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
template <class Tag>
struct std::hash<lattice::IdNumber<Tag>> {
  size_t operator()(const lattice::IdNumber<Tag>& id) const noexcept { return std::hash<uint64_t>{}(id.value); }
};
