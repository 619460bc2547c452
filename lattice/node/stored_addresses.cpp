// The addresses that outlive the process: taken up at the start, given to the host now and then and at the end.
#include <algorithm>

#include <lattice/discovery/address_file.hpp>
#include <lattice/node/state.hpp>

namespace lattice {

// With names to ask, what they say is dialled first: who once filled this node's table must not have all its slots again
// before a trusted source has spoken.
static constexpr Duration names_first = std::chrono::seconds{2};
static constexpr Duration save_interval = std::chrono::minutes{5};
// An address that answered so long ago and fails now is hearsay again, and makes room like any other: else a table would fill
// up over the years with those who were there once.
static constexpr int64_t answered_seconds = int64_t{30} * 86'400;

void Node::State::load_addresses(Now now) {
  save_due = now.mono + save_interval;
  const Bytes stored = std::exchange(config.stored_addresses, {});
  if (stored.empty() || !config.discovery) return;
  const auto read = decode_addresses(stored, config.chain.id);
  if (!read) {
    return log(LogLevel::warning, "stored_addresses_damaged",
               {{"reason", std::string(error_name(read.error().code))}, {"where", read.error().where}});
  }
  const int64_t latest = unix_seconds(now.wall);
  for (KnownAddress known : *read) {
    if (addresses.size() >= config.known_addresses_max) break;  // the best come first
    known.last_seen = std::min(known.last_seen, latest);
    if (known.failures > 0 && latest - known.last_seen > answered_seconds) known.answered = false;
    known.next_try = now.mono + (dns.size() > 0 ? names_first : Duration{});
    addresses.add(std::move(known), provider.rng());
  }
  log(LogLevel::info, "stored_addresses_loaded", {{"addresses", std::to_string(addresses.size())}});
  dial_dirty = true;
}

// Only what is new. An empty table says nothing that is worth the file that may be there.
void Node::State::save_addresses(Now now) {
  save_due = now.mono + save_interval;
  if (!config.discovery || addresses.size() == 0) return;
  Bytes file = encode_addresses(addresses, config.chain.id);
  ByteArray<address_file_sum_bytes> sum;
  std::ranges::copy(ByteView(file).last(sum.size()), sum.begin());
  if (saved_sum == sum) return;
  saved_sum = sum;
  effects.push_back(SaveAddresses{std::move(file)});
}

}  // namespace lattice
