// Random programs of operations on links of both roles. A few in every run; as many as one likes with
//   LATTICE_LINK_ROLES_PROGRAMS  how many with modelled cryptography
//   LATTICE_LINK_ROLES_REAL      how many with the real one
//   LATTICE_LINK_ROLES_SEED      the first one's seed
//   LATTICE_LINK_ROLES_HEX       one program by its bytes, as a failure shows them
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <lattice/base/assert.hpp>

#include "fuzz/roles/link_roles.hpp"

namespace lattice::roles {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds time_max{20};

std::optional<uint64_t> number(const char* name) {
  const char* text = std::getenv(name);
  return text ? std::optional<uint64_t>(std::strtoull(text, nullptr, 10)) : std::nullopt;
}

void run(LinkRoles& roles, ByteView program, const std::string& name) {
  const std::string note = name + ": " + to_hex(program);
  set_assert_note(note.c_str());
  const auto finding = roles.run(program);
  set_assert_note(nullptr);
  if (finding) ADD_FAILURE() << *finding << "\n" << note;
}

// Each `stride`th seed program, then random ones: as many as somebody wishes, else as many as the time allows.
void run_programs(LinkRoles& roles, const char* wish, uint64_t usual, size_t stride) {
  const std::vector<Bytes> seeds = seed_programs();
  for (size_t i = 0; i < seeds.size(); i += stride) {
    run(roles, seeds[i], "seed program");
    if (testing::Test::HasFailure()) return;
  }
  const auto wanted = number(wish);
  const uint64_t first = number("LATTICE_LINK_ROLES_SEED").value_or(1);
  const auto began = steady_clock::now();
  for (uint64_t i = 0; i < wanted.value_or(usual) && !testing::Test::HasFailure(); ++i) {
    if (!wanted && steady_clock::now() - began > time_max) break;
    run(roles, random_program(first + i), "program of seed " + std::to_string(first + i));
  }
  std::printf("%s\n", roles.counts().text().c_str());
}

// What a failure showed, again.
TEST(LinkRoles, OneProgram) {
  const char* hex = std::getenv("LATTICE_LINK_ROLES_HEX");
  const auto program = from_hex(hex ? hex : to_hex(seed_programs().front()));
  ASSERT_TRUE(program.has_value());
  for (const Cryptography cryptography : {Cryptography::modelled, Cryptography::real}) {
    LinkRoles roles(cryptography);
    run(roles, *program, "program");
    EXPECT_GT(roles.counts().operations, 0u);
  }
}

// A run that came nowhere proves nothing.
void expect_depth(const Counts& counts, std::initializer_list<Suite> suites) {
  if (testing::Test::HasFailure()) return;
  for (const Suite suite : suites) EXPECT_TRUE(counts.established.contains(suite)) << suite_name(suite);
  for (const uint64_t count : {counts.resumed, counts.outside_keys, counts.retries, counts.ratchets, counts.after_rekey,
                               counts.messages, counts.disturbed, counts.refused, counts.liars_refused}) {
    EXPECT_GT(count, 0u) << counts.text();
  }
}

TEST(LinkRoles, SeededPrograms) {
  LinkRoles roles(Cryptography::modelled);
  run_programs(roles, "LATTICE_LINK_ROLES_PROGRAMS", 2000, 1);
  expect_depth(roles.counts(), {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm, Suite::xxhfs1024_chacha, Suite::xxhfskem_chacha});
}

TEST(LinkRoles, SeededProgramsWithRealCryptography) {
  LinkRoles roles(Cryptography::real);
  run_programs(roles, "LATTICE_LINK_ROLES_REAL", 50, 4);
  expect_depth(roles.counts(),
               {Suite::xxhfs_chacha, Suite::xxhfs_aesgcm, Suite::xxhfs1024_chacha, Suite::xxhfskem_chacha, Suite::tls13});
}

}  // namespace
}  // namespace lattice::roles
