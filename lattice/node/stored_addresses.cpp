// The addresses that outlive the process: taken up at the start, given to the host now and then and at the end.
#include <algorithm>

#include <lattice/discovery/address_book_file.hpp>
#include <lattice/node/state.hpp>

namespace lattice {

// With names to ask, what they say is dialled first: who once filled this node's book must not have all its slots again
// before a trusted source has spoken.
static constexpr Duration names_first = std::chrono::seconds{2};
static constexpr Duration save_interval = std::chrono::minutes{5};
void Node::State::load_addresses(Now now) {
  save_due = now.mono + save_interval;
  const Bytes stored = std::exchange(config.stored_addresses, {});
  if (stored.empty() || !config.discovery) return;
  const Instant dial_after = now.mono + (dns.size() > 0 ? names_first : Duration{});
  const auto read = load_address_book(addresses, stored, config.chain.id, now.wall, dial_after);
  if (!read) {
    return log(LogLevel::warning, "stored_addresses_damaged",
               {{"reason", std::string(error_name(read.error().code))}, {"where", read.error().where}});
  }
  slots = SlotPlan(slot_limits(), *read);
  log(LogLevel::info, "stored_addresses_loaded",
      {{"addresses", std::to_string(addresses.size())}, {"anchors", std::to_string(read->size())}});
  dial_dirty = true;
}

// Only what is new. An empty book says nothing that is worth the file that may be there.
void Node::State::save_addresses(Now now) {
  save_due = now.mono + save_interval;
  if (!config.discovery || addresses.size() == 0) return;
  const auto anchors = slots.anchors([&](ConnId conn) { return peers.at(conn).open(); });
  Bytes file = encode_address_book(addresses, config.chain.id, anchors);
  ByteArray<wire::kept_sum_bytes> sum;
  std::ranges::copy(ByteView(file).last(sum.size()), sum.begin());
  if (saved_sum == sum) return;
  saved_sum = sum;
  effects.push_back(SaveAddresses{std::move(file)});
}

}  // namespace lattice
