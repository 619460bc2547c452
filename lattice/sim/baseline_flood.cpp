#include <lattice/sim/baseline_flood.hpp>

namespace lattice::sim {
namespace {

class FloodHost final : public BaselineHost {
 public:
  using BaselineHost::BaselineHost;

 private:
  void on_message(RawNet& net, const MessageId& id, std::optional<SocketId> from) override {
    if (silent() && from) return;
    for (const SocketId neighbour : neighbours()) {
      if (neighbour != from) send_message(net, neighbour, id);
    }
  }
};

}  // namespace

std::unique_ptr<BaselineHost> flood_host(BaselineConfig config) { return std::make_unique<FloodHost>(std::move(config)); }

}  // namespace lattice::sim
