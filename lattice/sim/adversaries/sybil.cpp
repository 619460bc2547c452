#include <lattice/sim/adversaries/sybil.hpp>

#include <lattice/sim/adversaries/link_speaker.hpp>

namespace lattice::sim {

namespace {

using std::chrono::seconds;
constexpr Duration patience = seconds{30};
constexpr Duration wrong_interval = seconds{1};

class Sybil final : public LinkSpeaker {
 public:
  using LinkSpeaker::LinkSpeaker;

 protected:
  size_t identities() const override { return 0; }
  size_t lines_per_victim() const override {
    return std::max<size_t>(context_.attack.connections / std::max<size_t>(context_.victims.size(), 1), 1);
  }

  bool on_message(RawNet& net, Talk& talk, Heard& heard) override {
    const auto* blocks = std::get_if<wire::GetBlocks>(&heard.message);
    if (blocks == nullptr) return true;
    count("blocks refused", blocks->hashes.size());
    send(net, talk, wire::NotFound{blocks->hashes});
    return false;
  }

  void on_tick(RawNet& net) override {
    const Instant now = net.now().mono;
    if (now < wrong_due_) return;
    wrong_due_ = now + wrong_interval;
    for (auto& [socket, talk] : talks_) {
      if (!talk.open || now - talk.since < patience) continue;
      count("small wrongs");
      send(net, talk, wire::Pong{net.rng().next()});
    }
  }

 private:
  Instant wrong_due_{};
};

}  // namespace

std::unique_ptr<RawHost> sybil(AttackContext context) { return std::make_unique<Sybil>(std::move(context)); }

}  // namespace lattice::sim
