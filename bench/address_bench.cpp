// B10: what the address book takes and how long it takes, full of 80,000 addresses and of a million.
//
// The book is filled as a node's is: addresses of many groups, told by many groups, half of them dialled; half of what is only
// heard of is then a month old, so that newcomers that are measured find both places that give way and places that do not.
// Randomness is OpenSSL's, as in a node.
#include <chrono>

#include <bench/benchmarks.hpp>
#include <lattice/base/assert.hpp>
#include <lattice/crypto/provider.hpp>
#include <lattice/discovery/address_book.hpp>

namespace lattice::bench {
namespace {

constexpr int64_t day = 86'400, wall_start = 1'800'000'000;
constexpr double bytes_goal = 48, accesses_goal = 6;
constexpr uint32_t hosts = 20;         // of a group
constexpr size_t operations = 20'000;  // measured one by one

Now later(int64_t seconds) { return {Instant{std::chrono::seconds{1000 + seconds}}, wall_from_unix(wall_start + seconds)}; }

KnownAddress nth(uint32_t n) {
  const uint32_t group = n / hosts;
  KnownAddress out;
  out.endpoint = {IpAddress{{0x2a, static_cast<uint8_t>(group >> 16), static_cast<uint8_t>(group >> 8),
                             static_cast<uint8_t>(group), static_cast<uint8_t>(n % hosts)}},
                  8333};
  out.last_seen = wall_start - (n % 2 == 0 ? 0 : 30 * day - 3600);
  return out;
}
IpAddress teller(uint32_t n) {
  n %= 20'000;
  return IpAddress::v4(static_cast<uint8_t>(40 + (n >> 8)), static_cast<uint8_t>(n), 0, 1);
}

// Until nearly all places are taken: so many that bytes an entry are those of a full book.
uint32_t fill(AddressBook& book, SeededRng& rng) {
  uint32_t told = 0;
  for (; book.size() < book.capacity() * 98 / 100 && told < 12 * book.capacity(); ++told) {
    const KnownAddress address = nth(told);
    const bool taken = book.add(address, teller(static_cast<uint32_t>(rng.below(20'000))), later(0), rng);
    if (taken && told % 4 < 2) book.on_answered(address.endpoint, NodeId{}, 1, later(0));
  }
  ASSERT(book.size() >= book.capacity() * 97 / 100);
  return told;
}

struct Costs {
  std::vector<double> nanoseconds;
  double accesses = 0;  // of one operation, in the mean
};

template <class Operation>
Costs measured(const AddressBook& book, Operation&& operation) {
  using Clock = std::chrono::steady_clock;
  Costs out;
  const uint64_t before = book.pool().touched();
  for (size_t i = 0; i < operations; ++i) {
    const auto began = Clock::now();
    operation(static_cast<uint32_t>(i));
    out.nanoseconds.push_back(std::chrono::duration<double, std::nano>(Clock::now() - began).count());
  }
  out.accesses = static_cast<double>(book.pool().touched() - before) / operations;
  return out;
}

void add_rows(std::vector<Row>& rows, const std::string& what, const Costs& costs) {
  double sum = 0;
  for (const double one : costs.nanoseconds) sum += one;
  rows.push_back({.id = "B10", .what = what + ", mean", .unit = "ns", .values = {sum / operations}, .lower_is_better = true});
  rows.push_back({.id = "B10",
                  .what = what + ", 99th of 100",
                  .unit = "ns",
                  .values = {quantile(costs.nanoseconds, 0.99)},
                  .lower_is_better = true});
  rows.push_back({.id = "B10",
                  .what = what + ", accesses to distant memory",
                  .unit = "",
                  .values = {costs.accesses},
                  .goal_value = accesses_goal,
                  .lower_is_better = true});
}

void measure(std::vector<Row>& rows, const Options& options, size_t capacity, const std::string& name) {
  const auto provider = openssl_provider();
  SeededRng seeded(options.seed);
  AddressBook book(seeded, capacity);
  const uint32_t told = fill(book, seeded);
  rows.push_back({.id = "B10",
                  .what = "address book of " + name + ": an entry with its indices",
                  .unit = "B",
                  .values = {static_cast<double>(book.memory_bytes()) / static_cast<double>(book.size())},
                  .goal_value = bytes_goal,
                  .lower_is_better = true});
  const auto any = [](const KnownAddress&) { return true; };
  add_rows(rows, name + ": whom to dial", measured(book, [&](uint32_t) {
             ASSERT(book.choose(later(3600).mono, AddressBook::pause_max, any, provider->rng()));
           }));
  add_rows(rows, name + ": an address more", measured(book, [&](uint32_t i) {
             KnownAddress address = nth(told + 100'000 + i);
             address.last_seen = wall_start;
             book.add(address, teller(i / 100), later(day), provider->rng());
           }));
}

}  // namespace

std::vector<Row> address_rows(const Options& options) {
  std::vector<Row> rows;
  measure(rows, options, 80'000, "80,000");
  measure(rows, options, 1'000'000, "1,000,000");
  return rows;
}

}  // namespace lattice::bench
