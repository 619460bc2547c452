#include <lattice/sim/adversary.hpp>

namespace lattice::sim {

class GarbageSender final : public RawHost {
 public:
  void on_open(RawNet& net, SocketId socket, const Endpoint&, bool) override { speak(net, socket); }
  void on_bytes(RawNet& net, SocketId socket, ByteView) override { speak(net, socket); }

 private:
  static void speak(RawNet& net, SocketId socket) {
    Bytes bytes(1 + net.rng().below(4000));
    net.rng().fill(bytes);
    net.send(socket, bytes);
    if (net.rng().below(256) == 0) net.close(socket);
  }
};

class SilentListener final : public RawHost {
 public:
  void on_open(RawNet&, SocketId, const Endpoint&, bool) override {}
  void on_bytes(RawNet&, SocketId, ByteView) override {}
};

std::unique_ptr<RawHost> garbage_sender() { return std::make_unique<GarbageSender>(); }
std::unique_ptr<RawHost> silent_listener() { return std::make_unique<SilentListener>(); }

}  // namespace lattice::sim
