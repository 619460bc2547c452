#include "link_roles.hpp"

namespace lattice::roles {
namespace {

// The bytes of Op::op() by name: the first of its weight table.
struct Writer {
  Bytes bytes;

  // `suites`: of all nodes, by its place in the network's table. `extras`: keys from outside, admission, what is remembered.
  explicit Writer(uint8_t suites, uint8_t extras = 0) : bytes{0, suites} {
    for (size_t i = 0; i < node_count; ++i) append(bytes, Bytes{0, extras});
  }
  Writer& add(std::initializer_list<uint8_t> more) {
    append(bytes, Bytes(more));
    return *this;
  }
  // From node 0 to node 1. `how`: 0 knows nobody, 1 likely, 2 expects; and 64 runs it to its end.
  Writer& connect(uint8_t how) { return add({0, 0, how}); }
  Writer& deliver(uint8_t end) { return add({9, end, 0, 0}); }
  Writer& work(uint8_t end) { return add({27, end}); }
  Writer& pump(uint8_t end) { return add({4, end}); }
  Writer& time(uint8_t step) { return add({31, step}); }
  Writer& send(uint8_t end, uint8_t kind, uint8_t size) { return add({35, end, 0, kind, size}); }
};

constexpr uint8_t whole = 64;
constexpr uint8_t two_minutes = 7, an_hour = 10, six_hours = 11;

}  // namespace

std::vector<Bytes> seed_programs() {
  std::vector<Bytes> programs;
  for (uint8_t suites = 0; suites < 12; ++suites) {
    // Twice, the second time known and perhaps with a ticket; messages, a rekey, a ratchet.
    Writer usual(suites);
    usual.connect(1 | whole).send(0, 0, 0).send(1, 4 | 0x80, 200).pump(0).time(two_minutes).send(1, 2, 9).pump(0);
    usual.connect(1 | whole).time(an_hour).send(2, 0, 0).pump(2).send(3, 0, 0).pump(2).send(2, 1, 99).pump(2);
    programs.push_back(usual.bytes);
    programs.push_back(Writer(suites).connect(0 | whole).connect(2 | whole).connect(1 | whole).bytes);
    // By hand, so that something may happen between any two steps.
    Writer steps(suites);
    steps.connect(0);
    for (int i = 0; i < 4; ++i) steps.deliver(0).work(1).deliver(1).work(0).work(0);
    steps.send(0, 0, 0).deliver(0).send(1, 0, 0).deliver(1);
    programs.push_back(steps.bytes);
    for (const uint8_t admission : {0xc0, 0xc1, 0xc2, 0xc3}) {
      programs.push_back(Writer(suites, admission).connect(0 | whole).connect(1 | whole).connect(1 | whole).bytes);
    }
    // The fourth node as the second: it dials the first and is dialled by it.
    for (const uint8_t mask : {1, 2, 3, 4}) {
      Writer liar(suites);
      liar.bytes[0] = mask | 1 << 3;
      programs.push_back(liar.add({0, 3, 0 | whole, 0, 8, 0 | whole, 0, 8, 2 | whole}).bytes);
    }
    // Something happens between two dials, of which the second may have a ticket: a revocation by either (of either key), a renewal, a
    // loss of memory; and time, up to more than a ticket's and a certificate's.
    const std::initializer_list<uint8_t> events[] = {{33, 1, 0}, {33, 4, 0}, {33, 1, 1}, {33, 4, 1}, {34, 0, 0}, {34, 1, 0},
                                                     {42, 0, 0}, {42, 1, 0}, {31, 12},   {31, 13},   {31, 14}};
    for (const auto& event : events) {
      programs.push_back(Writer(suites).connect(1 | whole).add(event).connect(1 | whole).connect(2 | whole).bytes);
    }
    Writer back(suites);
    back.add({34, 0, 0, 34, 1, 0}).connect(0 | whole).add({34, 0, 0x80, 42, 1, 0}).connect(0 | whole).add({34, 1, 0x80});
    programs.push_back(back.connect(0 | whole).connect(1 | whole).bytes);
    // A responder whose socket takes nothing while its time passes.
    Writer stalled(suites);
    stalled.connect(0).add({40, 1, 1}).deliver(0).work(1).time(5).add({40, 1, 0});
    programs.push_back(stalled.bytes);
    Writer chain(suites);
    for (int i = 0; i < 6; ++i) chain.connect(1 | whole).time(six_hours);
    programs.push_back(chain.bytes);
    for (const uint8_t outside : {5, 6}) {
      programs.push_back(Writer(suites, outside).connect(0 | whole).connect(1 | whole).bytes);
    }
  }
  return programs;
}

Bytes random_program(uint64_t seed) {
  static const std::vector<Bytes> seeds = seed_programs();
  SeededRng rng(seed);
  Bytes program;
  const bool begins_known = rng.below(4) != 0;
  if (begins_known) program = seeds[rng.below(seeds.size())];
  for (uint64_t changes = begins_known ? rng.below(6) : 0; changes > 0; --changes) {
    const auto at = static_cast<ptrdiff_t>(rng.below(program.size()));
    const auto byte = static_cast<uint8_t>(rng.next());
    switch (rng.below(3)) {
      case 0: program[static_cast<size_t>(at)] = byte; break;
      case 1: program.insert(program.begin() + at, byte); break;
      default: program.insert(program.begin() + at, {static_cast<uint8_t>(rng.next()), static_cast<uint8_t>(rng.next()), byte});
    }
  }
  for (uint64_t more = rng.below(begins_known ? 24 : 96); more > 0; --more) program.push_back(static_cast<uint8_t>(rng.next()));
  return program;
}

}  // namespace lattice::roles
