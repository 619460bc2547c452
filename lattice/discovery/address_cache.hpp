// What askers are told of the address book. One answer serves all who ask from the same kind of network under the same identity
// of ours, for about a day: whoever asks over many links learns what one link learns, not the whole book bit by bit.
//
// Nothing in an answer may tell that two identities, or a node's IPv4 and its IPv6 side, are one node: answers are drawn apart,
// in random order, and a time says no more than "these days" or "not long ago" (told_time), with a blur of its own in each.
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

// Ages that are told: an address's true age, made up to twice as long at random, is told as the first of these that it does not
// exceed, counted back from the beginning of the day; older ones are not told. So nothing grows younger from mouth to mouth, and
// hearsay that nobody has checked ends after two of them.
constexpr std::chrono::seconds told_ages[] = {std::chrono::hours{48}, std::chrono::hours{240}};
std::optional<int64_t> told_time(int64_t last_seen, WallTime now, Rng& rng);

// What is worth keeping of the addresses that a peer at `from` told: reachable from here, serving blocks, seen within a month,
// each once, and of one address group told_group_max at most. Times that cannot be are put at doubt_age ago.
constexpr size_t told_group_max = 32;
constexpr auto doubt_age = std::chrono::hours{5 * 24};
std::vector<KnownAddress> worth_keeping(const wire::Addresses& told, const IpAddress& from, WallTime now);

}  // namespace lattice
