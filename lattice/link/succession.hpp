// How a node changes its keys and stays who it is: a statement by the old identity and the new one that the second follows the
// first.
//
// Both sign, with ML-DSA under a context of their own: nobody can hand his ill repute to another, and nobody can take another's
// good name. A statement is taken for a year at most. Statements that follow each other make a chain, oldest first; it travels,
// and stands in DATA/succession, as docs/PROTOCOL.md says.
#pragma once

#include <map>
#include <vector>

#include <lattice/link/identity.hpp>
#include <lattice/link/work.hpp>

namespace lattice {

constexpr std::string_view succession_context = "lattice/1/succession";
constexpr size_t succession_chain_max = 4;  // statements that travel together
constexpr auto succession_lifetime = std::chrono::hours{24 * 365};
constexpr auto succession_lifetime_max = std::chrono::hours{24 * 366};
constexpr auto succession_clock_tolerance = std::chrono::hours{24};

// What a NodeID is the hash of.
struct IdentityKeys {
  SignAlg sign_alg = SignAlg::mldsa65;
  DhPublic dh{};
  Bytes sign_public;

  bool operator==(const IdentityKeys&) const = default;
};
NodeId node_id_of(const IdentityKeys& keys);
IdentityKeys keys_of(const Identity& identity);

struct Succession {
  IdentityKeys before, after;
  WallTime made, not_after;
  Bytes before_signature, after_signature;

  bool operator==(const Succession&) const = default;
};
using SuccessionChain = std::vector<Succession>;

// `made` is later than `made_after`, the time of the chain's last statement, also where a clock went back. Slow: two signatures.
Succession make_succession(Provider& provider, const Identity& before, const Identity& after, WallTime now,
                           std::optional<WallTime> made_after = {});
// What both signatures cover.
Bytes succession_body(const Succession& succession);

Bytes encode_successions(const SuccessionChain& chain);  // 1 to succession_chain_max
// Checks form: sizes, known algorithms, lifetime, neither key twice in a statement, each statement about the successor of the
// one before and made later, no identity twice. truncated, trailing_bytes, too_large, bad_succession.
Result<SuccessionChain> decode_successions(ByteView bytes);

// Times, against our clock: certificate_expired, bad_time.
Result<void> check_succession(const Succession& succession, WallTime now);
// The two signatures, to be verified on a worker: all must be valid.
std::vector<VerifyWork> succession_work(const Succession& succession);
// Both at once, slow (0.4 ms). bad_signature beside the above.
Result<void> verify_succession(Provider& provider, const Succession& succession, WallTime now);

// The statements that lead to `id` and have not expired: of DATA/succession, what may be shown. Empty where none does.
SuccessionChain chain_to(SuccessionChain chain, const NodeId& id, WallTime now);

// Who has become whom, of statements that were verified.
//
// Two successors of one identity, or two predecessors of one, contradict each other: one of the two is a thief's, and nobody
// outside can tell which. Then neither has the standing of the first.
class Successions {
 public:
  static constexpr size_t entries_max = 4096;
  static constexpr size_t length_max = 16;  // from the first identity of a line to its newest

  enum class Added : uint8_t {
    fresh,
    known,
    forked,   // known with another successor or predecessor: from now on neither counts
    refused,  // a circle, or a line longer than length_max, or no room
  };
  // Where there is no room, the oldest goes that is not `pinned` and does not follow one that is: strangers cannot push out what
  // is said of those whom this node was told to trust.
  Added add(const NodeId& before, const NodeId& after, bool pinned = false);
  bool knows(const NodeId& before, const NodeId& after) const;
  bool forked(const NodeId& id) const;
  // The newest of its line; `id` itself where nothing is known, or from where it forked.
  NodeId current(const NodeId& id) const;
  // Who was this node before, newest first, forked or not.
  std::vector<NodeId> ancestors(const NodeId& id) const;
  size_t size() const { return after_.size(); }

 private:
  struct Next {
    NodeId node;
    bool forked = false, pinned = false;
    uint64_t age = 0;
  };
  bool make_room();
  void erase(const NodeId& before);
  size_t length_through(const NodeId& before, const NodeId& after) const;

  std::map<NodeId, Next> after_;
  std::map<NodeId, NodeId> before_;
  uint64_t next_age_ = 0;
};

}  // namespace lattice
