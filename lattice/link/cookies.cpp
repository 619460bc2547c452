#include <lattice/link/cookies.hpp>

#include <cstring>

#include <lattice/wire/writer.hpp>

namespace lattice {

static constexpr size_t number_bytes = 8;
static constexpr size_t cookie_input_bytes = number_bytes + 16 + 2 + 32 + 2 + 1 + 2;

static RetryCookie cookie_under(const Secret<32>& key, ByteView number, const Endpoint& remote, const Digest& hello_hash,
                                const Retry& retry) {
  ByteArray<cookie_input_bytes> input;
  uint8_t* to = input.data();
  const auto put = [&](ByteView bytes) { to = std::ranges::copy(bytes, to).out; };
  put(number);
  put(remote.ip.bytes);
  wire::store_be(to, remote.port);
  to += 2;
  put(hello_hash);
  wire::store_be(to, retry.suite);
  to[2] = retry.difficulty;
  wire::store_be(to + 3, retry.flags);
  const Digest proof = blake2s_keyed(key.view(), input);
  RetryCookie cookie;
  std::ranges::copy(number, cookie.begin());
  std::copy_n(proof.begin(), cookie.size() - number_bytes, cookie.begin() + number_bytes);
  return cookie;
}

static ByteView number_of(const RetryCookie& cookie) { return ByteView(cookie).first(number_bytes); }

static uint64_t short_of(const RetryCookie& cookie) {
  uint64_t number;
  std::memcpy(&number, cookie.data(), sizeof number);
  return number;
}

// A key for each epoch out of one secret, so that no randomness is asked for later.
void Cookies::next_epoch(Instant now) {
  ByteArray<8> number;
  wire::store_be(number.data(), ++epoch_);
  previous_ = std::move(current_);
  current_ = {Secret<32>(blake2s_keyed(secret_.view(), number)), {}};
  began_ = now;
}

void Cookies::follow(Instant now) {
  const bool begins = epoch_ == 0;
  const Duration age = now - began_;
  if (begins || age >= 2 * epoch_time) next_epoch(now);  // twice: the one before has ended as well
  if (begins || age >= epoch_time) next_epoch(now);
}

RetryCookie Cookies::make(const Endpoint& remote, const Digest& hello_hash, const Retry& retry, Instant now) {
  follow(now);
  ByteArray<number_bytes> number;
  wire::store_be(number.data(), next_number_++);
  return cookie_under(current_.key, number, remote, hello_hash, retry);
}

bool Cookies::good(const Endpoint& remote, const Digest& hello_hash, const Retry& retry, Instant now) {
  follow(now);
  for (const Epoch* epoch : {&current_, &previous_}) {
    const RetryCookie right = cookie_under(epoch->key, number_of(retry.cookie), remote, hello_hash, retry);
    if (!equal_secret(right, retry.cookie)) continue;
    return !current_.used.contains(short_of(right)) && !previous_.used.contains(short_of(right));
  }
  return false;
}

void Cookies::use(const RetryCookie& cookie, Instant now) {
  // One of the epoch before is kept longer than it has to be.
  current_.used.insert(short_of(cookie));
  if (current_.used.size() >= used_max) next_epoch(now);
}

}  // namespace lattice
