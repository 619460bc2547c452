// Credit of channels: how much of one chain's headers, transactions and blocks may be on its way to a receiver, or wait there
// until somebody takes it. Without it one chain whose consumer is slow would hold up every other on the link.
//
// Both ends count alike. A channel begins with channel_credit_bytes. A message costs its whole length, header and all, when it
// begins (so that what has begun always ends), and the receiver gives that back when its consumer has taken it. Control and
// consensus cost nothing: they never wait.
#pragma once

#include <algorithm>
#include <optional>

#include <lattice/base/flat_map.hpp>
#include <lattice/base/result.hpp>
#include <lattice/wire/messages.hpp>

namespace lattice {

constexpr bool needs_credit(wire::Lane lane) { return lane >= wire::Lane::headers; }

// A small message takes more memory than its bytes: it costs as much as one of credit_message_bytes_min.
constexpr uint32_t credit_of(size_t message_bytes) {
  return static_cast<uint32_t>(std::max(message_bytes, limits::credit_message_bytes_min));
}

// One channel as its sender counts it.
class SendCredit {
 public:
  bool covers(uint32_t cost) const { return cost <= limits::channel_credit_bytes - spent_; }
  void spend(uint32_t cost);  // ASSERTs that it is covered
  // credit_exceeded for more than was spent, bad_frame for nothing. Nothing changes then.
  Result<void> on_grant(uint32_t bytes);

 private:
  uint32_t spent_ = 0;  // and not given back; at most channel_credit_bytes
};

struct CreditGrant {
  wire::ChannelId channel = 0;
  uint32_t bytes = 0;
};

// All channels as their receiver counts them.
class ReceiveCredit {
 public:
  // credit_exceeded where the sender has not so much, or it is the first message of one channel more than channels_max.
  Result<void> on_begun(wire::ChannelId channel, uint32_t cost);
  // The consumer took a message that has begun (and ended) here.
  void on_taken(wire::ChannelId channel, uint32_t cost);
  bool grant_due() const { return due_ > 0; }
  // What is to be told to the sender now: from channel_credit_step on, all that was taken.
  std::optional<CreditGrant> poll_grant();

 private:
  struct Channel {
    uint32_t spent = 0;  // by the sender and not given back, `taken` included
    uint32_t taken = 0;  // by the consumer and not given back yet
    bool due() const { return taken >= limits::channel_credit_step; }
  };
  FlatMap<wire::ChannelId, Channel> channels_;
  size_t due_ = 0;  // how many of them
};

}  // namespace lattice
