#include <lattice/sim/adversary.hpp>

namespace lattice::sim {

class GarbageSender final : public RawHost {
 public:
  void on_open(RawSocket socket, Rng& rng) override { speak(socket, rng); }
  void on_bytes(RawSocket socket, ByteView, Rng& rng) override { speak(socket, rng); }

 private:
  static void speak(RawSocket socket, Rng& rng) {
    Bytes bytes(1 + rng.below(4000));
    rng.fill(bytes);
    socket.send(bytes);
    if (rng.below(256) == 0) socket.close();
  }
};

class SilentListener final : public RawHost {
 public:
  void on_open(RawSocket, Rng&) override {}
  void on_bytes(RawSocket, ByteView, Rng&) override {}
};

std::unique_ptr<RawHost> garbage_sender() { return std::make_unique<GarbageSender>(); }
std::unique_ptr<RawHost> silent_listener() { return std::make_unique<SilentListener>(); }

}  // namespace lattice::sim
