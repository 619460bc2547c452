#include "target.hpp"

#include <algorithm>

#include <lattice/base/assert.hpp>
#include <lattice/base/crc32c.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::threats {

using wire::FrameFlags;

std::shared_ptr<const Identity> identity_of(size_t number) {
  static std::map<size_t, std::shared_ptr<const Identity>> made;
  auto& identity = made[number];
  if (identity) return identity;
  heap::Uncounted uncounted;
  const auto provider = openssl_provider(std::make_unique<SeededRng>(number + 1));
  Secret<64> secret;
  provider->rng().fill(secret.span());
  IdentityOptions options;
  options.not_before = wall_from_unix(1'799'000'000);
  options.not_after = wall_from_unix(1'810'000'000);
  return identity = make_identity(*provider, secret, options);
}

// ---- the node

Target::Target(std::unique_ptr<Chain> its_chain)
    : provider(openssl_provider(std::make_unique<SeededRng>(7))), chain(std::move(its_chain)) {
  if (auto* line = dynamic_cast<test::LineChain*>(chain.get())) {
    body = [line](const BlockHash& hash) { return line->body(hash); };
  }
  config.magic = {1, 2, 3, 4};
  config.chain = chain->identity();
  config.default_port = config.listen_port = 4000;
  config.user_agent = "target";
  // Callers come by the hundred: here they shall get as far as what is tested. Admission has tests of its own.
  config.admission.unproven = config.admission.unproven_all = {1'000'000, 1'000'000};
  config.identity = identity_of(0);
  config.discovery = false;
}

Target::~Target() {
  for (auto& [conn, caller] : callers_) caller->closed = true;
}

void Target::start() {
  {
    heap::Counted counted;
    node = std::make_unique<Node>(config, *provider, log);
    node->start(now);
  }
  settle();
}

void Target::settle() {
  if (std::exchange(settling_, true)) return;  // a peer speaks while it is spoken to: its turn comes
  for (bool busy = true; busy;) {
    busy = false;
    while (auto effect = node->poll_effect()) {
      busy = true;
      ++wishes;
      act(std::move(*effect));
    }
    const auto all = callers_;
    for (const auto& [conn, caller] : all) busy |= callers_.contains(conn) && caller->work();
  }
  settling_ = false;
}

void Target::act(Effect effect) {
  heap::Counted counted;
  if (auto* dial = std::get_if<Dial>(&effect)) {
    node->on_dial_failed(dial->conn, now);
  } else if (auto* want = std::get_if<WantWrite>(&effect)) {
    write(want->conn);
  } else if (auto* close = std::get_if<CloseConn>(&effect)) {
    write(close->conn);
    if (const auto found = callers_.find(close->conn); found != callers_.end()) {
      found->second->closed = true;
      callers_.erase(found);
    }
    node->on_closed(close->conn, now);
  } else if (auto* run = std::get_if<RunWork>(&effect)) {
    const bool answers = works && (verifies || !std::holds_alternative<VerifyWork>(run->work));
    if (answers) node->on_work_done(run->conn, run_work(run->work, *provider), now);
  } else if (auto* resolve = std::get_if<Resolve>(&effect)) {
    DnsAnswer none;
    none.failed = true;
    node->on_resolved(resolve->request, none, now);
  } else if (auto* command = std::get_if<ToChain>(&effect)) {
    ++commands;
    node->on_chain_events(chain->apply(command->command, store, now), now);
  } else if (auto* ask = std::get_if<ReadBody>(&effect)) {
    node->on_body(ask->request, body ? body(ask->block) : std::nullopt, now);
  } else if (auto* verify = std::get_if<VerifySeeds>(&effect)) {
    if (!verifies) return;
    std::vector<bool> valid;
    for (const auto& work : verify->work) valid.push_back(std::get<VerifyDone>(run_work(work, *provider)).valid);
    node->on_seed_work_done(verify->request, std::move(valid), now);
  }
}

void Target::write(ConnId conn) {
  const auto found = callers_.find(conn);
  if (found == callers_.end() || !found->second->reads) return;
  for (;;) {
    const ByteView out = node->pending_output(conn);
    if (out.empty()) return;
    {
      heap::Uncounted uncounted;
      found->second->take(out);
    }
    node->on_sent(conn, out.size(), now);
  }
}

void Target::pass(Duration duration) {
  const Instant end = now.mono + duration;
  const WallTime wall = now.wall;
  const Instant began = now.mono;
  for (;;) {
    settle();
    const auto due = node->next_timeout();
    if (!due || *due > end) break;
    now.mono = std::max(now.mono, *due);
    now.wall = wall + std::chrono::duration_cast<std::chrono::seconds>(now.mono - began);
    ++wake_ups;
    heap::Counted counted;
    node->on_timeout(now);
  }
  now = {end, wall + std::chrono::duration_cast<std::chrono::seconds>(duration)};
}

NodeReport Target::report() const { return node->report(); }

std::optional<PeerReport> Target::peer(ConnId conn) const {
  for (const PeerReport& row : report().peers) {
    if (row.conn == conn) return row;
  }
  return std::nullopt;
}

std::optional<LeftReport> Target::left(const Endpoint& endpoint) const {
  std::optional<LeftReport> newest;
  for (const LeftReport& row : report().left) {
    if (row.endpoint == endpoint) newest = row;
  }
  return newest;
}

// ---- the peer

static Endpoint endpoint_of(size_t number) {
  return {
      IpAddress::v4(10, static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)),
      50'000};
}

Caller::Caller(Target& target, size_t number, std::optional<Endpoint> from)
    : endpoint(from.value_or(endpoint_of(number))),
      identity(identity_of(number)),
      target_(target),
      provider_(openssl_provider(std::make_unique<SeededRng>(1'000'000 + number))) {
  status.version = 1;
  status.tip = target.config.chain.genesis;
  status.services = wire::service_blocks;
  std::optional<ConnId> given;
  {
    heap::Counted counted;
    given = target.node->on_accepted(endpoint, target.now);
  }
  accepted = given.has_value();
  closed = !accepted;
  if (!accepted) return;
  conn = *given;
  target.callers_[conn] = this;
}

Caller::~Caller() { hang_up(); }

void Caller::hang_up() {
  if (closed) return;
  closed = true;
  target_.callers_.erase(conn);
  {
    heap::Counted counted;
    target_.node->on_closed(conn, target_.now);
  }
  target_.settle();
}

void Caller::hello() {
  LinkConfig config;
  config.role = Role::initiator;
  config.magic = target_.config.magic;
  std::copy_n(target_.config.chain.genesis.bytes.begin(), config.chain8.size(), config.chain8.begin());
  config.identity = identity;
  handshake_.emplace(std::move(config), *provider_, target_.now);
  send_raw(framed(*handshake_->poll_message()));
}

bool Caller::shake_hands() {
  hello();
  return sealer_.has_value() && !closed;
}

bool Caller::open() {
  if (!shake_hands()) return false;
  send(wire::OpenChannel{target_.config.chain.id, version});
  send(status);
  const auto row = target_.peer(conn);
  return row && row->established;
}

void Caller::send_raw(ByteView bytes) {
  while (!bytes.empty() && !closed) {
    const size_t count = std::min(bytes.size(), read_bytes);
    {
      heap::Counted counted;
      target_.node->on_bytes(conn, bytes.first(count), target_.now);
    }
    bytes = bytes.subspan(count);
    target_.settle();
  }
}

Bytes Caller::seal(const std::vector<Bytes>& frames) {
  Bytes out;
  size_t next = 0;
  while (next < frames.size()) {
    Bytes record(record_length_bytes);
    while (next < frames.size() && record.size() + frames[next].size() + 6 <= record_text_bytes_max)
      append(record, frames[next++]);
    const bool rekeys = sealer_->rekey_due(target_.now.mono);
    if (rekeys) {
      append(record,
             frame(wire::link_channel, wire::Lane::control, FrameFlags::first | FrameFlags::last | FrameFlags::rekey, {}));
    }
    const size_t length = record.size() - record_length_bytes;
    record.resize(record.size() + aead_tag_bytes);
    ASSERT(sealer_->seal(record.data(), length).has_value());
    if (rekeys) sealer_->rekey(target_.now.mono);
    append(out, record);
  }
  return out;
}

void Caller::send_frames(const std::vector<Bytes>& frames) {
  if (closed || !sealer_) return;
  send_raw(seal(frames));
}

void Caller::send(const wire::Message& message) {
  send_frames(frames_of(whole(message), wire::lane_of(wire::command_of(message))));
}

void Caller::read() {
  const bool before = std::exchange(reads, true);
  {
    heap::Counted counted;
    target_.write(conn);
  }
  reads = before;
  target_.settle();
}

bool Caller::work() {
  if (inbox_.size() < 2) return false;
  const Bytes bytes = std::exchange(inbox_, {});
  ByteView view = bytes;
  bool any = false;
  while (view.size() >= 2) {
    const size_t length = static_cast<size_t>(view[0] << 8 | view[1]);
    if (view.size() < 2 + length) break;
    any = true;
    on_unit(view.subspan(2, length));
    view = view.subspan(2 + length);
  }
  Bytes rest = to_bytes(view);
  append(rest, inbox_);
  inbox_ = std::move(rest);
  return any;
}

void Caller::on_unit(ByteView unit) {
  if (opener_) return on_record(unit);
  if (!handshake_->on_message(unit, target_.now)) return;
  while (const auto job = handshake_->poll_work()) {
    if (!handshake_->on_work_done(run_work(*job, *provider_), target_.now)) return;
  }
  const auto message = handshake_->poll_message();
  if (message && !handshake_->done()) return send_raw(framed(*message));  // the hello again, after a retry
  if (!handshake_->done() || !answers_handshake) return;
  NoiseSession session = std::move(*handshake_).finish().session;
  handshake_.reset();
  sealer_.emplace(std::move(session.send), target_.now.mono);
  opener_.emplace(std::move(session.receive));
  if (message) send_raw(framed(*message));
}

void Caller::on_record(ByteView sealed) {
  Bytes text(record_text_bytes_max);
  const auto opened = opener_->open(sealed, text);
  ASSERT(opened.has_value());
  wire::Reader reader(*opened);
  while (!reader.empty()) {
    const auto next = wire::read_frame(reader);
    ASSERT(next.has_value());
    if (next->flags & FrameFlags::rekey) opener_->rekey();
    if (next->flags & FrameFlags::close) close_reason = static_cast<ErrorCode>(next->chunk[0] << 8 | next->chunk[1]);
    if (next->is_own()) continue;
    auto joined = parts_.on_frame(*next);
    ASSERT(joined.has_value());
    if (!*joined) continue;
    auto message = wire::decode(std::move(**joined));
    ASSERT(message.has_value());
    ++heard;
    if (hear) {
      hear(*this, *message);
    } else {
      received.push_back(std::move(*message));
    }
  }
}

// ---- bytes

Bytes frame(wire::ChannelId channel, wire::Lane lane, uint8_t flags, ByteView chunk) {
  Bytes out(limits::frame_header_bytes);
  wire::write_frame_header(out.data(), channel, lane, flags, chunk.size());
  append(out, chunk);
  return out;
}

Bytes whole(const wire::Message& message) {
  wire::EncodedMessage encoded = wire::encode(message, 1);
  append(encoded.head, encoded.body.view());
  return std::move(encoded.head);
}

Bytes forged(uint16_t command, ByteView payload, std::optional<uint32_t> length, uint16_t version) {
  wire::Writer writer;
  writer.u16(version).u16(command).u32(length.value_or(static_cast<uint32_t>(payload.size())));
  const uint32_t checksum = crc32c(payload, crc32c(writer.view()));
  writer.u32(checksum).bytes(payload);
  return writer.take();
}

std::vector<Bytes> frames_of(ByteView message, wire::Lane lane, wire::ChannelId channel) {
  std::vector<Bytes> out;
  for (size_t offset = 0; offset < message.size(); offset += limits::chunk_bytes_max) {
    const size_t count = std::min(limits::chunk_bytes_max, message.size() - offset);
    uint8_t flags = 0;
    if (offset == 0) flags |= FrameFlags::first;
    if (offset + count == message.size()) flags |= FrameFlags::last;
    out.push_back(frame(channel, lane, flags, message.subspan(offset, count)));
  }
  return out;
}

void answer_honestly(Caller& caller, wire::Message& message, const std::vector<test::LineBlock>& line) {
  if (auto* ping = std::get_if<wire::Ping>(&message)) caller.send(wire::Pong{ping->nonce});
  if (auto* ask = std::get_if<wire::GetHeaders>(&message)) {
    size_t from = 0;
    for (const BlockHash& hash : ask->locator) {
      const auto at = std::ranges::find(line, hash, &test::LineBlock::hash);
      if (at == line.end()) continue;
      from = static_cast<size_t>(at - line.begin()) + 1;
      break;
    }
    wire::Headers answer;
    for (size_t i = from; i < line.size() && answer.headers.size() < limits::headers_max; ++i) {
      answer.headers.push_back(line[i].header);
    }
    caller.send(answer);
  }
  if (auto* ask = std::get_if<wire::GetBlocks>(&message)) {
    for (const BlockHash& hash : ask->hashes) {
      const auto at = std::ranges::find(line, hash, &test::LineBlock::hash);
      if (at != line.end()) {
        caller.send(wire::Block{SharedBytes(at->bytes())});
      } else {
        caller.send(wire::NotFound{{hash}});
      }
    }
  }
}

}  // namespace lattice::threats
