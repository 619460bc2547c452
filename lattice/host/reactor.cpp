#include <lattice/host/reactor.hpp>

#include <algorithm>

#include <boost/asio/post.hpp>

namespace lattice {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr size_t read_buffer_bytes = 256 * 1024;
constexpr size_t crypto_jobs_max = 256;  // signatures of 0.2 to 1 ms: a tenth of a second on two cores
constexpr size_t reader_jobs_max = 32;   // bodies of up to 4 MiB on their way from disk to links

// At least one, and no more than there is ever use for.
size_t crypto_threads(size_t wanted) {
  if (wanted == 0) wanted = std::thread::hardware_concurrency();
  return std::clamp<size_t>(wanted, 1, 64);
}

}  // namespace

tcp::endpoint to_asio(const Endpoint& endpoint) {
  const auto& bytes = endpoint.ip.bytes;
  if (endpoint.ip.is_v4()) return {asio::ip::address_v4({bytes[12], bytes[13], bytes[14], bytes[15]}), endpoint.port};
  return {asio::ip::address_v6(bytes), endpoint.port};
}

Endpoint from_asio(const tcp::endpoint& endpoint) {
  if (endpoint.address().is_v6()) return {IpAddress{endpoint.address().to_v6().to_bytes()}, endpoint.port()};
  const auto bytes = endpoint.address().to_v4().to_bytes();
  return {IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3]), endpoint.port()};
}

Reactor::Reactor(HostConfig host_config, std::unique_ptr<Chain> chain, std::unique_ptr<Store> store, Provider& provider,
                 LogSink& sink)
    : config(std::move(host_config)),
      log(sink),
      provider_(provider),
      chain_(std::move(chain)),
      store_(std::move(store)),
      read_buffer_(read_buffer_bytes),
      timer_(io),
      resolver_(io.get_executor(), config.dns_servers),
      crypto_(crypto_threads(config.crypto_threads), crypto_jobs_max, relief()),
      puzzles_(1, config.node.dials_max, relief()),
      reader_(1, reader_jobs_max, relief()),
      chain_worker_(
          *chain_, *store_, real_now, post(), [this](ChainEvents events) { on_chain_events(std::move(events)); }, relief()) {
  if (config.key_source) keys_.emplace(std::move(config.key_source), post(), log);
}

Reactor::~Reactor() {
  for (auto& [id, connection] : connections) connection->abandon();
}

void Reactor::make_node() {
  config.node.listen_port = config.listen ? config.listen->port : uint16_t{0};
  node = std::make_unique<Node>(config.node, provider_, log);
  if (keys_) keys_->log_stock();
}

// Who calls before the chain is read back waits in the kernel's backlog, and is not sent away.
void Reactor::on_chain_events(ChainEvents events) {
  input([&](Node& to, Now now) { to.on_chain_events(std::move(events), now); });
  if (!accepting_ && node->takes_connections()) {
    accepting_ = true;
    start_accepting();
  }
}

Post Reactor::post() {
  return [this](Job job) { asio::post(io, std::move(job)); };
}

// A worker pool has caught up: reading goes on.
std::function<void()> Reactor::relief() {
  return [this] { asio::post(io, [this] { wake_waiting(); }); };
}

void Reactor::drain() {
  if (draining_) return;  // a socket ended while its last bytes were written: the drain that wrote them goes on
  draining_ = true;
  for (;;) {
    if (auto effect = node->poll_effect()) {
      carry_out(std::move(*effect));
    } else if (!marked_.empty()) {
      write_marked();
    } else {
      break;
    }
  }
  draining_ = false;
  wake_waiting();
  arm_timer();
}

void Reactor::write_marked() {
  for (const ConnId conn : std::exchange(marked_, {})) {
    const auto found = connections.find(conn);
    if (found == connections.end()) continue;
    const auto connection = found->second;  // it may end and be forgotten while it writes
    connection->write();
  }
}

void Reactor::carry_out(Effect effect) {
  std::visit([this](auto& wish) { carry_out(std::move(wish)); }, effect);
}

void Reactor::carry_out(Dial wish) {
  if (stopping) return;
  const auto connection = std::make_shared<Connection>(*this, wish.conn, tcp::socket(io));
  connections.emplace(wish.conn, connection);
  connection->dial(wish.endpoint);
}

void Reactor::carry_out(WantWrite wish) {
  if (marked_.empty() || marked_.back() != wish.conn) marked_.push_back(wish.conn);
}

void Reactor::carry_out(CloseConn wish) {
  const auto found = connections.find(wish.conn);
  if (found == connections.end()) return;
  const auto connection = found->second;
  wish.at_once ? connection->reset() : connection->close();
}

void Reactor::carry_out(RunWork wish) {
  if (const auto* outside = std::get_if<OutsideKeyWork>(&wish.work); outside && keys_) {
    return keys_->fetch(*outside, [this, conn = wish.conn](std::optional<OutsideKey> key) {
      input([&](Node& to, Now now) { to.on_work_done(conn, OutsideKeyDone{std::move(key)}, now); });
    });
  }
  WorkerPool& pool = std::holds_alternative<PuzzleWork>(wish.work) ? puzzles_ : crypto_;
  pool.submit(1, [this, wish = std::move(wish)] {
    post()([this, conn = wish.conn, result = run_work(wish.work, provider_)]() mutable {
      input([&](Node& to, Now now) { to.on_work_done(conn, std::move(result), now); });
    });
  });
}

void Reactor::carry_out(VerifySeeds wish) {
  const size_t checks = wish.work.size();
  crypto_.submit(checks, [this, wish = std::move(wish)] {
    std::vector<bool> valid;
    for (const auto& work : wish.work) {
      valid.push_back(provider_.verify(work.alg, work.public_key, work.context, work.message, work.signature));
    }
    post()([this, request = wish.request, valid = std::move(valid)]() mutable {
      input([&](Node& to, Now now) { to.on_seed_work_done(request, std::move(valid), now); });
    });
  });
}

void Reactor::carry_out(Resolve wish) {
  resolver_.resolve(std::move(wish.name), [this, request = wish.request](DnsAnswer answer) {
    input([&](Node& to, Now now) { to.on_resolved(request, std::move(answer), now); });
  });
}

void Reactor::carry_out(ToChain wish) { chain_worker_.submit(std::move(wish.command)); }

void Reactor::carry_out(ReadBody wish) {
  reader_.submit(1, [this, wish] {
    auto body = store_->read(Column::bodies, wish.block.view());
    post()([this, request = wish.request, body = std::move(body)]() mutable {
      if (!body && log.wants(LogLevel::error)) {
        log.log({LogLevel::error, "body_read_failed", {{"where", body.error().where}}});
      }
      input([&](Node& to, Now now) { to.on_body(request, body ? std::move(*body) : std::nullopt, now); });
    });
  });
}

void Reactor::carry_out(SaveAddresses wish) { save(addresses_, std::move(wish.file)); }
void Reactor::carry_out(SaveSeeds wish) { save(seeds_, std::move(wish.file)); }
void Reactor::carry_out(SaveBans wish) { save(bans_, std::move(wish.file)); }

// On the thread that reads bodies: a slow disk must not hold up the links. At the end there is nothing to hold up.
void Reactor::save(KeptFile& kept, Bytes file) {
  if (!kept.write_file) return;
  {
    const std::lock_guard lock(kept.lock);
    kept.newest = std::move(file);
  }
  if (stopping) return tell_saved(kept, kept.write());
  reader_.submit(1, [this, &kept] { post()([this, &kept, saved = kept.write()] { tell_saved(kept, saved); }); });
}

HostResult<void> KeptFile::write() {
  const std::lock_guard one(writing);
  std::optional<Bytes> file;
  {
    const std::lock_guard held(lock);
    file.swap(newest);
  }
  return file ? write_file(*file) : HostResult<void>{};
}

// Once, until it works again.
void Reactor::tell_saved(KeptFile& kept, const HostResult<void>& saved) {
  const bool was_said = std::exchange(kept.failed, !saved.has_value());
  if (saved || was_said || !log.wants(LogLevel::warning)) return;
  log.log({LogLevel::warning, kept.failed_event, {{"why", saved.error().text()}}});
}

void Reactor::closed(ConnId conn) {
  connections.erase(conn);
  waiting_.erase(conn);
  input([&](Node& to, Now now) { to.on_closed(conn, now); });
  if (stopping && connections.empty()) io.stop();
}

void Reactor::wait_for_room(ConnId conn) { waiting_.insert(conn); }

void Reactor::wake_waiting() {
  if (waiting_.empty() || overloaded()) return;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto found = connections.find(*at);
    if (found != connections.end() && !node->wants_bytes(*at)) {
      ++at;
      continue;
    }
    if (found != connections.end()) found->second->wake();
    at = waiting_.erase(at);
  }
}

// Set anew only where the Node wants to be called earlier than it is set for; one that fires too early sets itself again.
void Reactor::arm_timer() {
  const auto wanted = node->next_timeout();
  if (!wanted || (armed_ && *armed_ <= *wanted)) return;
  armed_ = wanted;
  timer_.expires_at(std::chrono::steady_clock::time_point{
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(wanted->time_since_epoch())});
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) on_timer();
  });
}

void Reactor::on_timer() {
  armed_.reset();
  const auto wanted = node->next_timeout();
  if (wanted && *wanted <= real_now().mono) {
    input([](Node& to, Now now) { to.on_timeout(now); });
  } else {
    arm_timer();
  }
}

void Reactor::close_all() {
  if (std::exchange(stopping, true)) return;
  boost::system::error_code ignored;
  if (acceptor) acceptor->close(ignored);
  input([](Node& to, Now now) { to.stop(now); });
  // Dials, and whatever else has no link to say goodbye on.
  for (const auto& [id, connection] : std::vector(connections.begin(), connections.end())) connection->close();
  drain();
  if (connections.empty()) io.stop();
}

}  // namespace lattice
