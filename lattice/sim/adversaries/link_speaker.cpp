#include <lattice/sim/adversaries/link_speaker.hpp>

#include <algorithm>
#include <utility>

#include <lattice/base/assert.hpp>

namespace lattice::sim {

using std::chrono::seconds;
constexpr Duration pause_first = seconds{1}, pause_max = seconds{60};
constexpr Duration opening_time = seconds{30};
constexpr size_t fresh_identities_kept = 64;  // of those that were made for one connection

LinkSpeaker::LinkSpeaker(AttackContext context) : context_(std::move(context)) {
  if (!context_.count) context_.count = std::make_shared<AttackCount>();
}

void LinkSpeaker::on_start(RawNet& net) {
  const Instant now = net.now().mono;
  if (context_.own.empty()) context_.own.push_back(net.endpoint());
  begin_ = now + context_.attack.from;
  end_ = now + context_.attack.until;
  tick_due_ = begin_;
  for (const auto& victim : context_.victims) add_victim(victim);
  plan(net);
}

bool LinkSpeaker::is_own(const IpAddress& address) const {
  return std::ranges::any_of(context_.own, [&](const Endpoint& own) { return own.ip == address; });
}

void LinkSpeaker::add_victim(const Endpoint& victim) {
  if (is_own(victim.ip) || dialled_.size() >= 4096 || !dialled_.insert(victim).second) return;
  for (size_t i = 0; i < lines_per_victim(); ++i) {
    Line line;
    line.victim = victim;
    line.address = i % std::max<size_t>(context_.own.size(), 1);
    lines_.push_back(line);
  }
}

Talk* LinkSpeaker::find(SocketId socket) {
  const auto found = talks_.find(socket);
  return found == talks_.end() ? nullptr : &found->second;
}

ChainServer& LinkSpeaker::chain(RawNet& net) {
  if (!chain_) {
    ASSERT(context_.kit);
    chain_ = std::make_unique<ChainServer>(*context_.kit, net.now());
  }
  return *chain_;
}

BlockHash LinkSpeaker::random_hash(RawNet& net) {
  BlockHash hash;
  net.rng().fill(hash.bytes);
  return hash;
}

wire::Status LinkSpeaker::own_status(RawNet& net, const Talk&) {
  wire::Status status;
  status.version = 1;
  status.tip = chain(net).tip().block.hash;
  status.height = chain(net).tip().block.height;
  status.score = chain(net).tip().score;
  status.services = wire::service_blocks;
  status.listen_port = context_.port;
  status.user_agent = "/lattice-sim/";
  return status;
}

size_t LinkSpeaker::turn_of(const Talk& talk, size_t ways) const {
  const auto& address = context_.own.front().ip.bytes;
  return (talk.ordinal + address[12] + address[13]) % ways;
}

// One victim never sees the same identity twice at a time: it would keep one link only.
size_t LinkSpeaker::choose_identity(const Talk& talk) {
  if (identities() == 0) return fresh_identities_++;
  const auto line = line_of_.find(talk.socket);
  const size_t first = line == line_of_.end() ? 0 : lines_[line->second].address;
  for (size_t i = 0; i < identities(); ++i) {
    const size_t index = (first + i) % identities();
    const bool in_use = std::ranges::any_of(talks_, [&](const auto& entry) {
      const Talk& other = entry.second;
      return other.socket != talk.socket && other.remote.ip == talk.remote.ip && other.identity == index;
    });
    if (!in_use) return index;
  }
  return first % identities();
}

std::shared_ptr<const Identity> LinkSpeaker::identity(RawNet& net, size_t index) {
  auto& made = identities_[index];
  if (!made) {
    Secret<64> secret;
    net.rng().fill(secret.span());
    IdentityOptions options;
    options.not_before = wall_from_unix(context_.wall_start - 86'400);
    options.not_after = wall_from_unix(context_.wall_start + 365 * 86'400);
    made = make_identity(net.provider(), secret, options);
    count("identities");
  }
  const auto out = made;
  if (identities() == 0 && identities_.size() > fresh_identities_kept) identities_.erase(identities_.begin());
  return out;
}

void LinkSpeaker::on_open(RawNet& net, SocketId socket, const Endpoint& remote, bool inbound) {
  const Now now = net.now();
  if (!active(now.mono) || (inbound && talks_.size() >= context_.attack.connections)) return net.close(socket);
  Talk& talk = talks_[socket];
  talk.socket = socket;
  talk.remote = remote;
  talk.inbound = inbound;
  talk.ordinal = connections_++;
  talk.since = now.mono;
  talk.identity = choose_identity(talk);
  LinkConfig config;
  config.role = inbound ? Role::responder : Role::initiator;
  config.magic = context_.magic;
  std::copy_n(chain(net).genesis().bytes.begin(), config.chain8.size(), config.chain8.begin());
  config.identity = identity(net, talk.identity);
  talk.link.emplace(std::move(config), net.provider(), net.now());
  count(inbound ? "accepted" : "connected");
  pump(net, socket);
  plan(net);
}

void LinkSpeaker::on_bytes(RawNet& net, SocketId socket, ByteView bytes) {
  Talk* talk = find(socket);
  if (talk == nullptr) return;
  talk->link->on_bytes(bytes, net.now());
  pump(net, socket);
  plan(net);
}

// Everything that the link has to say, until it says no more.
void LinkSpeaker::pump(RawNet& net, SocketId socket) {
  take_messages(net, socket);
  Talk* talk = find(socket);
  if (talk == nullptr) return;
  take_work(net, *talk);
  if (talk->link->established() && !talk->asked && !talk->inbound) {
    talk->asked = true;
    count("handshakes");
    send(net, *talk, wire::OpenChannel{chain(net).chain_id(), 1});
  }
  flush(net, *talk);
  if (!talk->link->dead()) return;
  if (const auto reason = talk->link->closed_by_peer()) count("left: " + std::string(error_name(*reason)));
  hang_up(net, socket);
}

void LinkSpeaker::take_work(RawNet& net, Talk& talk) {
  const Instant now = net.now().mono;
  const Costs costs;
  while (auto work = talk.link->poll_work()) {
    const Duration cost = costs.of(*work);
    core_free_ = std::max(core_free_, now) + cost;
    jobs_.push_back({core_free_, talk.socket, std::move(*work)});
  }
}

void LinkSpeaker::take_messages(RawNet& net, SocketId socket) {
  Talk* talk = find(socket);
  auto heard = talk == nullptr ? std::vector<Heard>{} : talk->link->take_messages();
  for (auto& one : heard) {
    talk = find(socket);
    if (talk == nullptr) return;
    if (!talk->open) {
      open_channel(net, *talk, one);
    } else {
      if (on_message(net, *talk, one) && (talk = find(socket)) != nullptr) answer(net, *talk, one.message);
    }
  }
}

// As docs/PROTOCOL.md asks: open_channel, the responder's status, the initiator's.
void LinkSpeaker::open_channel(RawNet& net, Talk& talk, const Heard& heard) {
  if (std::holds_alternative<wire::OpenChannel>(heard.message) && talk.inbound && !talk.asked) {
    talk.asked = true;
    count("handshakes");
    return send(net, talk, own_status(net, talk));
  }
  const auto* status = std::get_if<wire::Status>(&heard.message);
  if (status == nullptr || !talk.asked) return;
  talk.status = *status;
  talk.open = true;
  if (!talk.inbound) send(net, talk, own_status(net, talk));
  if (const auto line = line_of_.find(talk.socket); line != line_of_.end()) lines_[line->second].failures = 0;
  count("opened");
  on_ready(net, talk);
}

void LinkSpeaker::answer(RawNet& net, Talk& talk, const wire::Message& message) {
  if (const auto* status = std::get_if<wire::Status>(&message)) talk.status = *status;
  if (const auto* ping = std::get_if<wire::Ping>(&message)) send(net, talk, wire::Pong{ping->nonce});
  if (const auto* headers = std::get_if<wire::GetHeaders>(&message)) send(net, talk, chain(net).headers(*headers, net.now()));
  if (const auto* blocks = std::get_if<wire::GetBlocks>(&message)) give_bodies(net, talk, *blocks);
  if (std::holds_alternative<wire::GetAddresses>(message)) send(net, talk, wire::Addresses{});
}

void LinkSpeaker::give_bodies(RawNet& net, Talk& talk, const wire::GetBlocks& question) {
  for (const auto& hash : question.hashes) {
    if (const auto body = chain(net).body(hash)) {
      count("blocks given");
      send(net, talk, wire::Block{*body});
    } else {
      send(net, talk, wire::NotFound{{hash}});
    }
  }
}

void LinkSpeaker::send(RawNet& net, Talk& talk, const wire::Message& message) {
  count("sent");
  talk.link->send(channel, message);
  flush(net, talk);
}

void LinkSpeaker::send_bytes(RawNet& net, Talk& talk, wire::Lane lane, ByteView message) {
  count("sent");
  talk.link->send_bytes(channel, lane, message);
  flush(net, talk);
}

void LinkSpeaker::flush(RawNet& net, Talk& talk) {
  Bytes output = talk.link->take_output(net.now().mono);
  if (output.empty()) return;
  count("bytes", output.size());
  emit(net, talk, std::move(output));
}

void LinkSpeaker::hang_up(RawNet& net, SocketId socket) {
  net.close(socket);
  forget(net, socket);
}

void LinkSpeaker::forget(RawNet& net, SocketId socket) {
  line_ended(net, socket);
  const auto found = talks_.find(socket);
  if (found == talks_.end()) return;
  on_gone(net, found->second);
  talks_.erase(found);
}

void LinkSpeaker::on_closed(RawNet& net, SocketId socket) {
  take_messages(net, socket);
  if (find(socket) != nullptr) count("cut");
  forget(net, socket);
  plan(net);
}

void LinkSpeaker::on_dial_failed(RawNet& net, SocketId socket) {
  count("dials failed");
  line_ended(net, socket);
  plan(net);
}

// Again after a pause, longer each time that nothing came of it.
void LinkSpeaker::line_ended(RawNet& net, SocketId socket) {
  const auto found = line_of_.find(socket);
  if (found == line_of_.end()) return;
  Line& line = lines_[found->second];
  line.socket.reset();
  line.next_try = net.now().mono + std::min<Duration>(pause_max, pause_first * (1u << std::min(line.failures, 6u)));
  ++line.failures;
  // Another of its addresses, where there is one: this one may not be welcome.
  line.address = (line.address + 1) % context_.own.size();
  line_of_.erase(found);
}

void LinkSpeaker::dial_lines(RawNet& net) {
  const Instant now = net.now().mono;
  const auto dialling = std::ranges::count_if(line_of_, [&](const auto& entry) { return !talks_.contains(entry.first); });
  size_t busy = talks_.size() + static_cast<size_t>(dialling);
  for (size_t i = 0; i < lines_.size() && busy < context_.attack.connections; ++i) {
    Line& line = lines_[i];
    if (line.socket || line.next_try > now) continue;
    line.socket = net.dial(line.victim, context_.own[line.address].ip);
    line_of_[*line.socket] = i;
    ++busy;
    count("dialled");
  }
}

void LinkSpeaker::on_wake(RawNet& net) {
  const Instant now = net.now().mono;
  while (!jobs_.empty() && jobs_.front().due <= now) {
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    Talk* talk = find(job.socket);
    if (talk == nullptr) continue;
    talk->link->on_work_done(run_work(job.work, net.provider()), net.now());
    pump(net, job.socket);
  }
  if (now >= end_) {
    const auto open = std::exchange(talks_, {});
    for (const auto& [socket, talk] : open) net.close(socket);
    return;
  }
  if (now >= tick_due_) {
    tick_due_ = now + tick_interval();
    std::vector<SocketId> late;
    for (const auto& [socket, talk] : talks_)
      if (!talk.open && now - talk.since >= opening_time) late.push_back(socket);
    for (const SocketId socket : late) hang_up(net, socket);
    dial_lines(net);
    on_tick(net);
  }
  plan(net);
}

void LinkSpeaker::plan(RawNet& net) {
  const Instant now = net.now().mono;
  if (now >= end_) return;
  Instant next = std::min(std::max(tick_due_, begin_), end_);
  if (!jobs_.empty()) next = std::min(next, jobs_.front().due);
  net.wake_at(next);
}

}  // namespace lattice::sim
