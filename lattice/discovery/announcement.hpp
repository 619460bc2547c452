// A node's own word about where it can be reached, signed with its ML-DSA identity key: what peers pass on of a node that they
// need not have met.
//
// Bytes (integers big-endian), 5,395 with ML-DSA-65, 7,353 with ML-DSA-87, and 18 more for each endpoint:
//
//   version 1 = 1 | chain 32 | node 32 | sequence 8 | issued 8 | expires 8 | services 8 |
//   count 1 (1 to 4) | count x (ip 16 | port 2) | dh alg 2 | sign alg 2 | dh key 32 | sign key | signature
//
// The signature covers everything before it, under announcement_context. `node` must be the hash of the keys (link/identity.hpp):
// it stands there so that whoever has the record already can say so without a hash. There is one way to write a record.
#pragma once

#include <vector>

#include <lattice/base/address.hpp>
#include <lattice/link/succession.hpp>

namespace lattice {

constexpr std::string_view announcement_context = "lattice/1/announcement";
constexpr size_t announcement_endpoints_max = 4;
// Half of it goes by before a node signs the next one: four records a day. What a shorter one costs: docs/PERFORMANCE.md.
constexpr auto announcement_lifetime = std::chrono::hours{12};
constexpr auto announcement_lifetime_max = std::chrono::hours{24};
// How far ahead of ours an honest signer's clock may be.
constexpr auto announcement_clock_tolerance = std::chrono::hours{2};

// What names a record, and until when it counts: the first bytes of it.
struct AnnouncementHead {
  ChainId chain;
  NodeId node;
  uint64_t sequence = 0;  // of two records of one node the higher one counts
  WallTime issued, expires;
  bool operator==(const AnnouncementHead&) const = default;
};

struct Announcement {
  AnnouncementHead head;
  uint64_t services = 0;
  std::vector<Endpoint> endpoints;  // 1 to 4, no two alike, the best first; with a port, none the unspecified address
  IdentityKeys keys;
  Bytes signature;
  bool operator==(const Announcement&) const = default;
};

// Signs inline, as a certificate's renewal does: 1 ms, a few times a day. `endpoints`: as a record must have them.
Announcement make_announcement(Provider& provider, const Identity& identity, const ChainId& chain, uint64_t sequence,
                               WallTime issued, WallTime expires, uint64_t services, std::vector<Endpoint> endpoints);
Bytes encode_announcement(const Announcement& announcement);

// Allocates nothing. truncated, too_large, bad_value; wrong_version for one that a later version of this program knows.
Result<AnnouncementHead> read_announcement_head(ByteView bytes);
// All sizes are checked, against the algorithms' and against the bytes that are there, before anything is allocated for them.
// Form only: no key is touched. Beside the above: trailing_bytes, not_canonical.
Result<Announcement> decode_announcement(ByteView bytes);
// That the keys hash to the NodeID: contradiction. Before verifying.
Result<void> check_announcement_id(const Announcement& announcement);
// For a worker.
VerifyWork announcement_work(const Announcement& announcement, ByteView bytes);

}  // namespace lattice
