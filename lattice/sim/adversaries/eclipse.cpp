#include <lattice/sim/adversaries/eclipse.hpp>

#include <lattice/sim/adversaries/link_speaker.hpp>

namespace lattice::sim {

namespace {

using std::chrono::seconds;
constexpr size_t unasked_addresses = 10;            // as many as a node takes at a time
constexpr Duration gossip_interval = seconds{100};  // and as often

class Eclipse final : public LinkSpeaker {
 public:
  using LinkSpeaker::LinkSpeaker;

 protected:
  size_t lines_per_victim() const override { return context_.own.size(); }
  // One for each address that it dials a victim from, and one for each where the victim dials it.
  size_t identities() const override { return 2 * context_.own.size(); }

  void on_ready(RawNet& net, Talk& talk) override {
    gossip(net, talk);
    send(net, talk, wire::GetAddresses{});
  }

  bool on_message(RawNet& net, Talk& talk, Heard& heard) override {
    if (std::holds_alternative<wire::GetAddresses>(heard.message)) {
      send(net, talk, own_addresses(net, limits::addresses_max));
      count("asked for addresses");
      return false;
    }
    if (const auto* addresses = std::get_if<wire::Addresses>(&heard.message)) {
      for (const auto& entry : addresses->entries) add_victim(entry.endpoint);
      return false;
    }
    if (const auto* inventory = std::get_if<wire::Inventory>(&heard.message)) count("blocks hidden", inventory->items.size());
    return true;
  }

  void on_tick(RawNet& net) override {
    if (net.now().mono < gossip_due_) return;
    gossip_due_ = net.now().mono + gossip_interval;
    for (auto& [socket, talk] : talks_)
      if (talk.open) gossip(net, talk);
  }

 private:
  void gossip(RawNet& net, Talk& talk) { send(net, talk, own_addresses(net, unasked_addresses)); }

  // Those where it listens first; then made-up ones in the same groups.
  wire::Addresses own_addresses(RawNet& net, size_t count_max) {
    wire::Addresses out;
    const size_t first = net.rng().below(context_.own.size());
    for (size_t i = 0; i < context_.own.size() && out.entries.size() < count_max; ++i)
      out.entries.push_back(entry(net, context_.own[(first + i) % context_.own.size()]));
    while (out.entries.size() < count_max) {
      Endpoint made_up = context_.own[net.rng().below(context_.own.size())];
      made_up.ip.bytes[14] = static_cast<uint8_t>(net.rng().below(256));
      made_up.ip.bytes[15] = static_cast<uint8_t>(net.rng().below(256));
      out.entries.push_back(entry(net, made_up));
    }
    count("own addresses told", out.entries.size());
    return out;
  }

  wire::PeerAddress entry(RawNet& net, const Endpoint& endpoint) const {
    return {endpoint, std::nullopt, wire::service_blocks, unix_seconds(net.now().wall)};
  }

  Instant gossip_due_{};
};

}  // namespace

std::unique_ptr<RawHost> eclipse(AttackContext context) { return std::make_unique<Eclipse>(std::move(context)); }

}  // namespace lattice::sim
