// What askers are told of the address book. One answer serves all who ask from the same kind of network under the same identity
// of ours, for about a day: whoever asks over many links learns what one link learns, not the whole book bit by bit.
//
// Nothing in an answer may tell that two identities, or a node's IPv4 and its IPv6 side, are one node: answers are drawn apart,
// in random order, and all times in them are the same (told_time).
//
// A book of small_book addresses is told whole to anybody, so it is not cached: a small network must find itself at once. A
// larger one is told anew when it holds twice as many: eleven times on its way to 80,000.
#pragma once

#include <lattice/discovery/address_book.hpp>

namespace lattice {

class AddressCache {
 public:
  static constexpr size_t small_book = AddressBook::told_min;
  static constexpr size_t answers_max = 8;  // three kinds of network, two identities of ours
  static constexpr Duration life_min = std::chrono::hours{21}, life_spread = std::chrono::hours{6};

  // `own`: who we are to the asker at `to`. Times in it are told_time's; older addresses are left out.
  std::vector<wire::PeerAddress> answer(const NodeId& own, const IpAddress& to, const AddressBook& book, Now now, Rng& rng);
  uint64_t drawn() const { return drawn_; }  // answers that were made, not given again

 private:
  enum class Network : uint8_t { v4, v6, loopback };
  struct Answer {
    Network network = Network::v4;
    NodeId own;
    Instant until{};
    size_t book_size = 0;
    std::vector<wire::PeerAddress> entries;
  };
  static Network network_of(const IpAddress& ip);
  std::vector<wire::PeerAddress> draw(const IpAddress& to, const AddressBook& book, Now now, Rng& rng);

  std::vector<Answer> answers_;  // the oldest first
  uint64_t drawn_ = 0;
};

// Of whom this node has not heard within this time it does not tell.
constexpr auto told_age = std::chrono::hours{72};
// The time that is told of an address: of all the same, told_age before the day began. A time that says more is a mark by which
// the answers of two identities can be laid side by side; even two classes of age were enough to find every tenth pair. As it is
// older than told_age, hearsay is told on by nobody who has not heard of the address himself. Empty: not told.
std::optional<int64_t> told_time(int64_t last_seen, WallTime now);

// What is worth keeping of the addresses that a peer at `from` told: reachable from here, serving blocks, seen within a month,
// each once, and of one address group told_group_max at most. Times that cannot be are put at doubt_age ago.
constexpr size_t told_group_max = 32;
constexpr auto doubt_age = std::chrono::hours{5 * 24};
std::vector<KnownAddress> worth_keeping(const wire::Addresses& told, const IpAddress& from, WallTime now);

}  // namespace lattice
