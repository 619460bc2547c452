// The inbound connections whose handshake is still under way, and which of them goes when there are too many: of the most
// crowded address group the oldest that has not paid, and those that have paid last. An attack so pushes out itself first; who
// comes alone stays until nobody else is left, and who comes from among an attack's addresses has as long as anybody.
#pragma once

#include <map>
#include <optional>
#include <set>

#include <lattice/base/address.hpp>
#include <lattice/base/ids.hpp>

namespace lattice {

struct HalfOpenLimits {
  size_t in_all = 512;
  size_t per_group = 128;
  size_t per_ip = 64;
};

class HalfOpen {
 public:
  // How far a handshake has come. Silent or asked is no difference in what it cost the other side, so none in who goes: whoever
  // has just come is silent for a moment, and would else go before all older ones that were asked.
  //   silent    nothing, or a part of the first message
  //   asked     it was sent a retry and owes the solution
  //   admitted  its first message was good, and we have signed or will
  enum class Progress : uint8_t { silent, asked, admitted };

  explicit HalfOpen(const HalfOpenLimits& limits) : limits_(limits) {}

  // Who has to go before one more of this address may come. ConnIds are given out in order: a lower one is older.
  std::optional<ConnId> victim(const IpAddress& ip) const;
  // May be called again of one that is there.
  void put(ConnId conn, const IpAddress& ip, Progress progress);
  void remove(ConnId conn);
  size_t size() const { return entries_.size(); }

 private:
  using Member = std::pair<bool, ConnId>;  // has paid, who: in the order in which they go
  static Member member(Progress progress, ConnId conn) { return {progress == Progress::admitted, conn}; }
  using Members = std::set<Member>;
  struct Entry {
    IpAddress ip;
    AddressGroup group;
    Progress progress = Progress::silent;
  };
  // The most crowded group first, of equal ones that whose first member goes first.
  struct Crowd {
    size_t members = 0;
    Member first;
    bool operator<(const Crowd& other) const {
      return members != other.members ? members > other.members : first < other.first;
    }
  };
  static Crowd crowd_of(const Members& members) { return {members.size(), *members.begin()}; }
  template <class Change>
  void change_group(const AddressGroup& group, Change change);

  HalfOpenLimits limits_;
  std::map<ConnId, Entry> entries_;
  std::map<IpAddress, Members> ips_;
  std::map<AddressGroup, Members> groups_;
  std::set<Crowd> crowds_;  // of each group one
};

}  // namespace lattice
