#include <lattice/sim/adversaries/equivocator.hpp>

#include <lattice/sim/adversaries/link_speaker.hpp>

namespace lattice::sim {

namespace {

using std::chrono::seconds;
constexpr Duration lie_interval = seconds{5};

class Equivocator final : public LinkSpeaker {
 public:
  using LinkSpeaker::LinkSpeaker;

 protected:
  wire::Status own_status(RawNet& net, const Talk& talk) override {
    wire::Status status = LinkSpeaker::own_status(net, talk);
    const Tip& tip = server(net, talk).tip();
    status.tip = tip.block.hash;
    status.height = tip.block.height + (side_of(talk) == 0 ? 0 : net.rng().below(3));
    status.score = tip.score;
    return status;
  }

  void on_ready(RawNet& net, Talk& talk) override { show(net, talk); }

  bool on_message(RawNet& net, Talk& talk, Heard& heard) override {
    if (const auto* consensus = std::get_if<wire::Consensus>(&heard.message)) {
      pass_on(net, talk, *consensus);
      return false;
    }
    if (const auto* headers = std::get_if<wire::GetHeaders>(&heard.message)) {
      wire::Headers out = server(net, talk).headers(*headers, net.now());
      if (side_of(talk) == 1 && context_.kit->rivals.empty()) out.headers.resize(out.headers.size() / 2);
      count(side_of(talk) == 0 ? "headers for one side" : "headers for the other");
      send(net, talk, out);
      return false;
    }
    const auto* blocks = std::get_if<wire::GetBlocks>(&heard.message);
    if (blocks == nullptr) return true;
    for (const auto& hash : blocks->hashes) {
      const auto body = server(net, talk).body(hash);
      if (body) send(net, talk, wire::Block{*body});
      if (!body) send(net, talk, wire::NotFound{{hash}});
    }
    return false;
  }

  void on_tick(RawNet& net) override {
    if (net.now().mono < lie_due_) return;
    lie_due_ = net.now().mono + lie_interval;
    for (auto& [socket, talk] : talks_)
      if (talk.open) show(net, talk);
  }

 private:
  // In turn, as they come; the same for every connection with one host.
  size_t side_of(const Talk& talk) { return sides_.try_emplace(talk.remote.ip, sides_.size() % 2).first->second; }

  ChainServer& server(RawNet& net, const Talk& talk) {
    const size_t side = side_of(talk);
    auto& server = servers_[side];
    if (!server) {
      server = std::make_unique<ChainServer>(*context_.kit, net.now());
      const auto& rivals = context_.kit->rivals;
      if (side < rivals.size() && server->add(rivals[side], net.now())) count("rival tips");
    }
    return *server;
  }

  void show(RawNet& net, Talk& talk) {
    count(side_of(talk) == 0 ? "shown one tip" : "shown the other");
    const BlockHash tip = server(net, talk).tip().block.hash;
    send(net, talk, own_status(net, talk));
    send(net, talk, wire::Inventory{{{wire::InventoryType::block, tip}}});
  }

  void pass_on(RawNet& net, const Talk& from, const wire::Consensus& message) {
    Bytes changed = to_bytes(message.bytes.view());
    if (!changed.empty()) changed.back() ^= 1;
    const SharedBytes other(std::move(changed));
    for (auto& [socket, talk] : talks_) {
      if (!talk.open || talk.remote.ip == from.remote.ip || crowded(net, talk)) continue;
      count("votes told twice");
      send(net, talk, wire::Consensus{side_of(talk) == 0 ? message.bytes : other});
    }
  }

  std::map<IpAddress, size_t> sides_;
  std::array<std::unique_ptr<ChainServer>, 2> servers_;
  Instant lie_due_{};
};

}  // namespace

std::unique_ptr<RawHost> equivocator(AttackContext context) { return std::make_unique<Equivocator>(std::move(context)); }

}  // namespace lattice::sim
