#include <lattice/sim/baseline_host.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/sim/modelled_mix.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::sim {

constexpr size_t frame_header_bytes = 5;
constexpr size_t message_bytes_max = 64 * 1024 * 1024;
// A socket is given so much at a time, and looked after so often: a queue in one place, not two.
constexpr size_t feed_bytes = 64 * 1024;
constexpr Duration feed_interval = std::chrono::milliseconds{5};
constexpr Duration dial_pause = std::chrono::seconds{1};

SharedBytes baseline_message(uint64_t number, size_t bytes) {
  Bytes out(std::max(bytes, sizeof(MessageId)));
  Mix(0xba5e).word(number).fill(out);
  return SharedBytes(std::move(out));
}

MessageId message_id(ByteView message) {
  MessageId id;
  std::copy_n(message.begin(), id.size(), id.begin());
  return id;
}

static Bytes frame_header(uint8_t kind, size_t bytes) {
  return wire::Writer().u8(kind).u32(static_cast<uint32_t>(bytes)).take();
}

void BaselineHost::publish(RawNet& net, const MessageId& id) {
  if (!seen_.insert(id).second) return;
  config_.ledger->on_message(net.host(), id, net.now().mono);
  on_message(net, id, std::nullopt);
  plan_wake(net);
}

void BaselineHost::on_start(RawNet& net) {
  to_dial_ = config_.dial;
  dial_at_ = net.now().mono;
  plan_wake(net);
}

void BaselineHost::dial(RawNet& net) {
  for (const auto& endpoint : std::exchange(to_dial_, {})) dialing_[net.dial(endpoint)] = endpoint;
}

void BaselineHost::on_dial_failed(RawNet& net, SocketId socket) {
  const auto dialled = dialing_.extract(socket);
  ASSERT(!dialled.empty());
  to_dial_.push_back(dialled.mapped());
  dial_at_ = net.now().mono + dial_pause;
  plan_wake(net);
}

void BaselineHost::on_open(RawNet& net, SocketId socket, const Endpoint&, bool inbound) {
  dialing_.erase(socket);
  neighbours_.try_emplace(socket);
  on_neighbour(net, socket, inbound);
  plan_wake(net);
}

void BaselineHost::on_closed(RawNet& net, SocketId socket) {
  neighbours_.erase(socket);
  waiting_.erase(socket);
  on_neighbour_gone(net, socket);
}

std::vector<SocketId> BaselineHost::neighbours() const {
  std::vector<SocketId> out;
  for (const auto& [socket, neighbour] : neighbours_) out.push_back(socket);
  return out;
}

// ---- in

void BaselineHost::on_bytes(RawNet& net, SocketId socket, ByteView bytes) {
  const auto found = neighbours_.find(socket);
  if (found == neighbours_.end()) return;
  Neighbour& neighbour = found->second;
  const auto gather = [&](size_t until) {
    const size_t count = std::min(bytes.size(), until - neighbour.gathered.size());
    append(neighbour.gathered, bytes.first(count));
    bytes = bytes.subspan(count);
    return neighbour.gathered.size() == until;
  };
  for (;;) {
    if (neighbour.gathered.size() < frame_header_bytes && !gather(frame_header_bytes)) break;
    const auto kind = static_cast<Frame>(neighbour.gathered[0]);
    size_t payload = 0;
    for (size_t i = 1; i < frame_header_bytes; ++i) payload = payload << 8 | neighbour.gathered[i];
    const bool message = kind == Frame::message;
    const bool allowed = message ? payload >= sizeof(MessageId) && payload <= message_bytes_max
                                 : kind <= Frame::prune && payload <= control_bytes_max;
    if (!allowed) {  // nobody here says that: bytes were changed on their way
      net.close(socket);
      return on_closed(net, socket);
    }
    const size_t kept = frame_header_bytes + (message ? sizeof(MessageId) : payload);
    if (neighbour.gathered.size() < kept) {
      if (!gather(kept)) break;
      neighbour.skip = message ? payload - sizeof(MessageId) : 0;
    }
    const size_t skipped = std::min(neighbour.skip, bytes.size());
    neighbour.skip -= skipped;
    bytes = bytes.subspan(skipped);
    if (neighbour.skip > 0) break;
    const Bytes frame = std::exchange(neighbour.gathered, {});
    const ByteView content = ByteView(frame).subspan(frame_header_bytes);
    message ? on_whole_message(net, socket, message_id(content)) : on_control(net, socket, kind, content);
  }
  plan_wake(net);
}

void BaselineHost::on_whole_message(RawNet& net, SocketId socket, const MessageId& id) {
  const auto known = config_.ledger->messages.find(id);
  if (known == config_.ledger->messages.end()) return;  // changed on its way
  config_.ledger->on_copy(net.host());
  if (!seen_.insert(id).second) return;
  const Costs& costs = config_.ledger->costs;
  const Duration cost =
      config_.blocks ? costs.block + costs.block_byte * static_cast<int64_t>(known->second.size()) : costs.verify;
  judge_free_ = std::max(judge_free_, net.now().mono) + cost;
  judging_.push_back({id, socket, judge_free_});
}

// ---- out

void BaselineHost::send_message(RawNet& net, SocketId to, const MessageId& id) {
  const SharedBytes& message = config_.ledger->messages.at(id);
  enqueue(net, to, SharedBytes(frame_header(static_cast<uint8_t>(Frame::message), message.size())));
  enqueue(net, to, message);
}

void BaselineHost::send_control(RawNet& net, SocketId to, Frame frame, ByteView payload) {
  Bytes bytes = frame_header(static_cast<uint8_t>(frame), payload.size());
  append(bytes, payload);
  enqueue(net, to, SharedBytes(std::move(bytes)));
}

void BaselineHost::enqueue(RawNet& net, SocketId to, SharedBytes bytes) {
  const auto found = neighbours_.find(to);
  if (found == neighbours_.end()) return;
  found->second.queue.push_back({std::move(bytes)});
  feed(net, to, found->second);
}

void BaselineHost::feed(RawNet& net, SocketId to, Neighbour& neighbour) {
  while (!neighbour.queue.empty()) {
    Outgoing& front = neighbour.queue.front();
    const size_t unsent = net.unsent(to);
    if (unsent >= feed_bytes) break;
    const ByteView rest = front.bytes.view().subspan(front.sent);
    const ByteView part = rest.first(std::min(rest.size(), feed_bytes - unsent));
    net.send(to, part);
    front.sent += part.size();
    if (front.sent == front.bytes.size()) neighbour.queue.pop_front();
  }
  if (neighbour.queue.empty()) {
    waiting_.erase(to);
  } else {
    waiting_.insert(to);
  }
}

// ---- time

void BaselineHost::on_wake(RawNet& net) {
  const Instant now = net.now().mono;
  if (!to_dial_.empty() && dial_at_ <= now) dial(net);
  const auto waiting = waiting_;
  for (const SocketId socket : waiting) feed(net, socket, neighbours_.at(socket));
  while (!judging_.empty() && judging_.front().done <= now) {
    const Judging judged = judging_.front();
    judging_.pop_front();
    config_.ledger->on_message(net.host(), judged.id, now);
    on_message(net, judged.id, judged.from);
  }
  if (const auto due = next_timeout(); due && *due <= now) on_timeout(net);
  plan_wake(net);
}

void BaselineHost::plan_wake(RawNet& net) {
  std::optional<Instant> next = next_timeout();
  const auto consider = [&](Instant at) { next = next ? std::min(*next, at) : at; };
  if (!to_dial_.empty()) consider(dial_at_);
  if (!judging_.empty()) consider(judging_.front().done);
  if (!waiting_.empty()) consider(net.now().mono + feed_interval);
  if (next) net.wake_at(*next);
}

}  // namespace lattice::sim
