#include <lattice/link/admission.hpp>

#include <algorithm>
#include <bit>
#include <cmath>

#include <lattice/link/puzzle.hpp>

namespace lattice {

using enum ErrorCode;

static uint64_t first_number(const Digest& digest) {
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof number; ++i) number = number << 8 | digest[i];
  return number;
}

// Two keys out of one secret: what becomes known of one says nothing of the other.
static Digest derived(const Secret<32>& secret, std::string_view use) { return blake2s_keyed(secret.view(), as_bytes(use)); }

Admission::Admission(const Secret<32>& secret, const AdmissionLimits& limits)
    : limits_(limits),
      cookies_(Secret<32>(derived(secret, "lattice/1/cookies"))),
      groups_(first_number(derived(secret, "lattice/1/groups"))) {}

// From begin (used up: nothing) to puzzle_difficulty_max (used up).
static uint8_t difficulty_of_use(uint8_t begin, double left, const BucketLimits& limits) {
  const double used = std::clamp(1 - left / limits.burst, 0.0, 1.0);
  return static_cast<uint8_t>(begin + std::lround(used * (puzzle_difficulty_max - begin)));
}

// Four times the price for twice the wait: the price must outrun what the attack can pay, or the wait grows on.
uint8_t Admission::load_difficulty(Instant now) const {
  const double times = seconds_of(meter_.expected_wait(now)) / seconds_of(limits_.wait_high);
  const double of_wait = limits_.difficulty_load + 2 * std::max(0.0, std::log2(std::max(times, 1.0)));
  const double bounded = std::min<double>(of_wait, puzzle_difficulty_max);
  const double left = solved_all_.left(limits_.solved_all, now);
  return std::max(static_cast<uint8_t>(bounded), difficulty_of_use(limits_.difficulty_load, left, limits_.solved_all));
}

bool Admission::under_load(Instant now) {
  const Duration wait = meter_.expected_wait(now);
  const double left = solved_all_.left(limits_.solved_all, now);
  // Half of what strangers may ask for has been asked for: whoever comes next pays, before the workers feel it.
  const bool high = wait >= limits_.wait_high || left < limits_.solved_all.burst / 2;
  const bool low = wait < limits_.wait_high / 2 && left >= limits_.solved_all.burst * 3 / 4;
  loaded_ = loaded_ ? !low : high;
  return loaded_;
}

Admit Admission::on_hello(const FirstContact& contact, Instant now) {
  GroupBuckets& group = groups_.of(contact.remote.ip, now);
  const bool free = !under_load(now) && unproven_all_.left(unproven_all, now) >= 1;
  if (free && group.unproven.take(limits_.unproven, now)) {
    unproven_all_.take(unproven_all, now);
    ++counts_.admitted;
    return Admit::yes;
  }
  const bool answered = retries_all_.take(limits_.retries_all, now);
  ++(answered ? counts_.retried : counts_.dropped);
  return answered ? Admit::retry : Admit::no;
}

uint8_t Admission::difficulty(const FirstContact& contact, Instant now) {
  const uint8_t of_load = under_load(now) ? load_difficulty(now) : uint8_t{0};
  const GroupBuckets& group = groups_.of(contact.remote.ip, now);
  const bool beyond = group.unproven.left(limits_.unproven, now) < 1 || unproven_all_.left(unproven_all, now) < 1;
  if (!beyond) return of_load;
  const double left = group.solved.left(limits_.solved, now);
  return std::max(of_load, difficulty_of_use(limits_.difficulty_group, left, limits_.solved));
}

Retry Admission::make_retry(const FirstContact& contact, Instant now) {
  Retry retry{contact.flags, contact.suite, difficulty(contact, now), {}};
  retry.cookie = cookies_.make(contact.remote, contact.hello_hash, retry, now);
  return retry;
}

// The cheapest first: comparing cookies, one hash for the puzzle, then the buckets. A cookie is used up only by whoever is
// admitted with it.
Result<void> Admission::on_answer(const Endpoint& remote, const Digest& hello1_hash, const Retry& retry,
                                  const PuzzleSolution& solution, Instant now) {
  if (!cookies_.good(remote, hello1_hash, retry, now) || !puzzle_solved(retry.cookie, retry.difficulty, solution)) {
    ++counts_.refused;
    return fail(bad_handshake, "answer to a retry");
  }
  GroupBuckets& group = groups_.of(remote.ip, now);
  const bool allowed = solved_all_.left(limits_.solved_all, now) >= 1 && group.solved.take(limits_.solved, now);
  if (!allowed) {
    ++counts_.over_allowance;
    return fail(limit_reached, "answers to retries");
  }
  solved_all_.take(limits_.solved_all, now);
  cookies_.use(retry.cookie, now);
  ++counts_.solved;
  return {};
}

bool Admission::may_ask_key_server(const Endpoint& remote, Instant now) {
  GroupBuckets& group = groups_.of(remote.ip, now);
  const bool may = keys_all_.left(limits_.keys_all, now) >= 1 && group.keys.take(limits_.keys, now);
  if (may) keys_all_.take(limits_.keys_all, now);
  ++(may ? counts_.key_questions : counts_.key_questions_refused);
  return may;
}

void Admission::on_work_done(Duration waited, Instant now) { meter_.on_done(waited, now); }

size_t Admission::bytes() const { return groups_.bytes() + cookies_.used() * 32; }

}  // namespace lattice
