#include <lattice/sim/address_spy.hpp>

#include <lattice/sim/adversaries/link_speaker.hpp>

namespace lattice::sim {

namespace {

class AddressSpy final : public LinkSpeaker {
 public:
  AddressSpy(AttackContext context, std::function<void(const Endpoint&)> on_told)
      : LinkSpeaker(std::move(context)), on_told_(std::move(on_told)) {}

 private:
  static constexpr Duration visit = std::chrono::seconds{20};  // a node answers once a link: stay a while, then come again

  void on_ready(RawNet& net, Talk& talk) override { send(net, talk, wire::GetAddresses{}); }
  bool on_message(RawNet&, Talk&, Heard& heard) override {
    const auto* addresses = std::get_if<wire::Addresses>(&heard.message);
    if (!addresses) return true;
    for (const auto& entry : addresses->entries) on_told_(entry.endpoint);
    return false;
  }
  void on_tick(RawNet& net) override {
    std::vector<SocketId> over;
    for (const auto& [socket, talk] : talks_)
      if (talk.open && net.now().mono - talk.since >= visit) over.push_back(socket);
    for (const SocketId socket : over) hang_up(net, socket);
  }
  Duration tick_interval() const override { return std::chrono::seconds{2}; }

  std::function<void(const Endpoint&)> on_told_;
};

}  // namespace

std::unique_ptr<RawHost> address_spy(AttackContext context, std::function<void(const Endpoint&)> on_told) {
  return std::make_unique<AddressSpy>(std::move(context), std::move(on_told));
}

}  // namespace lattice::sim
