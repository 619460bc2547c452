#include <lattice/link/credit.hpp>

#include <lattice/base/assert.hpp>

namespace lattice {

using enum ErrorCode;

// A sender that may send nothing has sent at least window - step that will be given back as it is taken: so that it can never
// wait for ever, the rest must hold the longest message.
static_assert(limits::channel_credit_bytes - limits::channel_credit_step >= limits::message_bytes_max);
// Sums of two fit their type.
static_assert(limits::channel_credit_bytes <= uint32_t{1} << 30 && limits::message_bytes_max <= uint32_t{1} << 30);

void SendCredit::spend(uint32_t cost) {
  ASSERT(covers(cost));
  spent_ += cost;
}

Result<void> SendCredit::on_grant(uint32_t bytes) {
  if (bytes == 0) return fail(bad_frame, "a grant of nothing");
  // Compared, not added: a grant near the greatest number must not wrap.
  if (bytes > spent_) return fail(credit_exceeded, "a grant beyond the window");
  spent_ -= bytes;
  return {};
}

Result<void> ReceiveCredit::on_begun(wire::ChannelId channel, uint32_t cost) {
  auto at = channels_.find(channel);
  if (at == channels_.end()) {
    if (channels_.size() == limits::channels_max) return fail(credit_exceeded, "number of channels");
    at = channels_.try_emplace(channel).first;
  }
  if (cost > limits::channel_credit_bytes - at->second.spent) return fail(credit_exceeded, "a message without credit");
  at->second.spent += cost;
  return {};
}

void ReceiveCredit::on_taken(wire::ChannelId channel, uint32_t cost) {
  Channel& entry = channels_.at(channel);
  ASSERT(cost <= entry.spent - entry.taken);
  const bool was_due = entry.due();
  entry.taken += cost;
  if (entry.due() && !was_due) due_ += 1;
}

std::optional<CreditGrant> ReceiveCredit::poll_grant() {
  if (due_ == 0) return std::nullopt;
  const auto at = std::ranges::find_if(channels_, [](const auto& entry) { return entry.second.due(); });
  ASSERT(at != channels_.end());
  due_ -= 1;
  Channel& channel = at->second;
  channel.spent -= channel.taken;
  return CreditGrant{at->first, std::exchange(channel.taken, 0)};
}

}  // namespace lattice
