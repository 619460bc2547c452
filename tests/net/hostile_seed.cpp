// A seed that misbehaves, for tests with real processes: it speaks the real handshake and protocol, holds a real chain from a
// blk file, and breaks exactly one rule. Serves until it is ended.
//
//   hostile_seed MODE IP:PORT SPEC BLOCKS.dat
//
// MODE: honest       breaks nothing (shows that the others fail for their fault alone)
//       silent       claims a great height and answers nothing
//       withhold     gives headers, never a block
//       bad-pow      the header at a third of its chain misses its target
//       bad-merkle   one byte of a transaction in every block is changed
//       garbage      random bytes in place of records, once the link is open
//       wrong-magic  speaks for another network
//       short        claims a great height and has ten headers
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>
#include <unordered_map>

#include <apps/lattice/chain_spec.hpp>
#include <lattice/crypto/hash.hpp>
#include <lattice/link/link.hpp>

namespace lattice {
namespace {

constexpr size_t header_bytes = 80;

Now now() {
  using namespace std::chrono;
  return {Instant{steady_clock::now().time_since_epoch()},
          wall_from_unix(duration_cast<seconds>(system_clock::now().time_since_epoch()).count())};
}

struct HeldChain {
  std::vector<Bytes> blocks;
  std::vector<BlockHash> hashes;
  std::unordered_map<BlockHash, size_t> index;
};

BlockHash hash_of(ByteView block) { return BlockHash{sha256d(block.first(header_bytes))}; }

// blk format: magic 4, length 4 (little-endian), block.
HeldChain load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const Bytes all{std::istreambuf_iterator<char>(file), {}};
  HeldChain chain;
  for (size_t at = 0; at + 8 <= all.size();) {
    uint32_t length;
    std::memcpy(&length, all.data() + at + 4, sizeof length);
    at += 8;
    if (length > all.size() - at) break;
    chain.blocks.emplace_back(all.begin() + static_cast<ptrdiff_t>(at), all.begin() + static_cast<ptrdiff_t>(at + length));
    at += length;
  }
  for (size_t i = 0; i < chain.blocks.size(); ++i) {
    chain.hashes.push_back(hash_of(chain.blocks[i]));
    chain.index[chain.hashes[i]] = i;
  }
  return chain;
}

// Changes the chain as the mode says. Children of a changed header are changed too, so that only the one rule is broken.
void corrupt(HeldChain& chain, const std::string& mode) {
  if (mode == "bad-pow") {
    Bytes& block = chain.blocks[chain.blocks.size() / 3];
    uint8_t* nonce = block.data() + 76;
    // Regtest's target leaves the highest bit of the hash zero: look for a nonce that sets it.
    do ++nonce[0];
    while (nonce[0] != 0 && (hash_of(block).bytes[31] & 0x80) == 0);
  }
  if (mode == "bad-merkle") {
    for (size_t i = 1; i < chain.blocks.size(); ++i) chain.blocks[i].back() ^= 1;  // the last lock time's highest byte
  }
}

class Server {
 public:
  Server(const HeldChain& chain, std::string mode) : chain_(chain), mode_(std::move(mode)) {}

  void answer(Link& link, const LinkMessage& in) const {
    std::visit([&](const auto& message) { on(link, in.channel, message); }, in.message);
  }

 private:
  bool claims_much() const { return mode_ == "silent" || mode_ == "short"; }

  void on(Link& link, wire::ChannelId channel, const wire::OpenChannel&) const {
    wire::Status status;
    status.version = 1;
    status.tip = chain_.hashes.back();
    status.height = claims_much() ? 1'000'000'000 : chain_.blocks.size() - 1;
    status.score = Bytes(32, claims_much() ? 0x7f : 0x00);
    status.services = wire::service_blocks;
    status.user_agent = "/hostile:" + mode_ + "/";
    (void)link.send(channel, status);
  }
  void on(Link& link, wire::ChannelId channel, const wire::Ping& ping) const {
    (void)link.send(channel, wire::Pong{ping.nonce});
  }
  void on(Link& link, wire::ChannelId channel, const wire::GetHeaders& request) const {
    if (mode_ == "silent") return;
    size_t next = 0;
    for (const BlockHash& known : request.locator) {
      if (const auto found = chain_.index.find(known); found != chain_.index.end()) {
        next = found->second + 1;
        break;
      }
    }
    const size_t end = mode_ == "short" ? std::min<size_t>(11, chain_.blocks.size()) : chain_.blocks.size();
    wire::Headers reply;
    for (; next < end && reply.headers.size() < limits::headers_max; ++next) {
      reply.headers.emplace_back(chain_.blocks[next].begin(), chain_.blocks[next].begin() + header_bytes);
    }
    (void)link.send(channel, reply);
  }
  void on(Link& link, wire::ChannelId channel, const wire::GetBlocks& request) const {
    if (mode_ == "silent" || mode_ == "withhold") return;
    wire::NotFound missing;
    for (const BlockHash& hash : request.hashes) {
      const auto found = chain_.index.find(hash);
      if (found == chain_.index.end())
        missing.hashes.push_back(hash);
      else
        (void)link.send(channel, wire::Block{SharedBytes(chain_.blocks[found->second])});
    }
    if (!missing.hashes.empty()) (void)link.send(channel, missing);
  }
  template <class Other>
  void on(Link&, wire::ChannelId, const Other&) const {}

  const HeldChain& chain_;
  std::string mode_;
};

bool write_all(int socket, Link& link) {
  for (ByteView out = link.pending_output(); !out.empty(); out = link.pending_output()) {
    const ssize_t written = send(socket, out.data(), out.size(), MSG_NOSIGNAL);
    if (written <= 0) return false;
    link.on_sent(static_cast<size_t>(written));
  }
  return true;
}

void send_garbage(int socket) {
  Bytes garbage(100'000);
  SeededRng(7).fill(garbage);
  (void)send(socket, garbage.data(), garbage.size(), MSG_NOSIGNAL);
}

void serve(int socket, const LinkConfig& config, const Server& server, bool garbage) {
  const auto provider = openssl_provider();
  Link link(config, *provider, now());
  Bytes buffer(64 * 1024);
  for (ssize_t count; (count = read(socket, buffer.data(), buffer.size())) > 0;) {
    link.on_bytes(ByteView(buffer).first(static_cast<size_t>(count)), now());
    while (auto work = link.poll_work()) link.on_work_done(run_work(*work, *provider), now());
    while (auto event = link.poll_event()) {
      if (const auto* message = std::get_if<LinkMessage>(&*event)) server.answer(link, *message);
    }
    if (!write_all(socket, link) || link.closed()) break;
    if (garbage && link.established()) send_garbage(socket);
  }
  close(socket);
}

int listen_on(const Endpoint& endpoint) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  std::memcpy(&address.sin_addr, endpoint.ip.bytes.data() + 12, 4);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 16) != 0) return -1;
  return listener;
}

}  // namespace
}  // namespace lattice

int main(int argc, char** argv) {
  using namespace lattice;
  if (argc != 5) {
    std::cerr << "usage: hostile_seed MODE IP:PORT SPEC BLOCKS.dat\n";
    return 2;
  }
  const std::string mode = argv[1];
  const auto endpoint = Endpoint::parse(argv[2]);
  const auto spec = app::load_chain_spec(argv[3]);
  HeldChain chain = load(argv[4]);
  if (!endpoint || !spec || chain.blocks.size() < 12) {
    std::cerr << "hostile_seed: a wrong address, chain spec or blocks file\n";
    return 2;
  }
  corrupt(chain, mode);

  const auto provider = openssl_provider();
  Secret<64> secret;
  provider->rng().fill(secret.span());
  IdentityOptions identity;
  identity.not_before = now().wall - std::chrono::hours{1};
  identity.not_after = now().wall + std::chrono::hours{24};
  LinkConfig config;
  config.role = Role::responder;
  config.magic = spec->magic;
  if (mode == "wrong-magic") config.magic[0] ^= 0xff;
  const BlockHash genesis = hash_of(spec->genesis);
  std::copy_n(genesis.bytes.begin(), config.chain8.size(), config.chain8.begin());
  config.identity = make_identity(*provider, secret, identity);

  const int listener = listen_on(*endpoint);
  if (listener < 0) {
    std::cerr << "hostile_seed: cannot listen on " << argv[2] << "\n";
    return 1;
  }
  std::cout << "ready" << std::endl;
  const Server server(chain, mode);
  for (int socket; (socket = accept(listener, nullptr, nullptr)) >= 0;) {
    std::thread([=, &server] { serve(socket, config, server, mode == "garbage"); }).detach();
  }
  return 0;
}
