// Whom a responder answers, before any asymmetric cryptography: a first message costs its sender microseconds and would cost us
// a signature. One for a whole node; a value: time comes in, nothing else is asked.
//
// A group of addresses has so many first messages free. Beyond them, and for everybody while the workers that sign are behind,
// the answer is a retry: a cookie, which proves the address again and is remembered by nobody, and a puzzle whose price follows
// the load. Why never silence instead: an honest peer among the addresses of an attack gets in by solving; silence would
// make the attack's work easier than ours.
//
// Who has solved draws on a second, larger bucket of the group and on one for all: the greatest number of signatures a second
// that strangers can ask for, whatever computers they have.
#pragma once

#include <lattice/link/cookies.hpp>
#include <lattice/link/group_allowances.hpp>
#include <lattice/link/load_meter.hpp>

namespace lattice {

// A hello that answers no retry.
struct FirstContact {
  Endpoint remote;
  Digest hello_hash{};  // BLAKE2s of the whole hello
  uint16_t suite = 0;   // suite and flags: as the retry would say them
  uint16_t flags = 0;
};

enum class Admit : uint8_t { yes, retry, no };

struct AdmissionLimits {
  BucketLimits unproven{16, 2};  // of a group: first messages that need no retry
  // The same of all groups: without it an attack with many groups would keep the workers at the edge of load for nothing.
  BucketLimits unproven_all{64, 64};
  BucketLimits solved{64, 32};        // of a group: answers to a retry; a host that comes so often pays for each
  BucketLimits solved_all{256, 256};  // of all groups
  BucketLimits keys{4, 1};            // of a group: questions to a key server
  BucketLimits keys_all{16, 8};
  BucketLimits retries_all{50'000, 50'000};  // cookies made for all: more would take a tenth of a core
  // Load begins when a signature would wait so long, and ends when it would wait half of it.
  Duration wait_high = std::chrono::milliseconds{50};
  uint8_t difficulty_group = 8;  // of a group beyond its bucket, without load
  uint8_t difficulty_load = 10;  // where load begins: to find the solution costs about what a signature costs us
};

struct AdmissionCounts {
  uint64_t admitted = 0, retried = 0, dropped = 0;       // first messages
  uint64_t solved = 0, refused = 0, over_allowance = 0;  // answers to retries
  uint64_t key_questions = 0, key_questions_refused = 0;
};

class Admission {
 public:
  // `secret`: fresh randomness.
  explicit Admission(const Secret<32>& secret, const AdmissionLimits& limits = {});

  // `no`: close without a word. Takes from the group's bucket where it says yes.
  Admit on_hello(const FirstContact& contact, Instant now);
  // Also for a hello that was admitted and needs another suite: then without load its difficulty is 0.
  Retry make_retry(const FirstContact& contact, Instant now);
  // bad_handshake: the cookie was not made here for this address, hello, suite, difficulty and flags, or is too old, or was used;
  // or the puzzle is not solved. limit_reached: solved, but too many have been.
  Result<void> on_answer(const Endpoint& remote, const Digest& hello1_hash, const Retry& retry, const PuzzleSolution& solution,
                         Instant now);
  bool may_ask_key_server(const Endpoint& remote, Instant now);

  // A signature of a responder was handed to the workers; it came back `waited` later.
  void on_work_queued(Instant now) { meter_.on_queued(now); }
  void on_work_done(Duration waited, Instant now);

  bool under_load(Instant now);
  bool loaded() const { return loaded_; }  // as it was found last
  Duration expected_wait(Instant now) const { return meter_.expected_wait(now); }
  const AdmissionCounts& counts() const { return counts_; }
  size_t bytes() const;  // of memory that grows with who comes

 private:
  uint8_t difficulty(const FirstContact& contact, Instant now);
  uint8_t load_difficulty(Instant now) const;

  AdmissionLimits limits_;
  Cookies cookies_;
  GroupAllowances groups_;
  LoadMeter meter_;
  Bucket solved_all_, keys_all_, retries_all_;
  bool loaded_ = false;
  AdmissionCounts counts_;
  Bucket unproven_all_;
};

}  // namespace lattice
