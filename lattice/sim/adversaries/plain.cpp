#include <lattice/sim/adversaries/plain.hpp>

#include <algorithm>
#include <set>

namespace lattice::sim {

using std::chrono::seconds;

namespace {

// Holds connections to its victims and takes those that come.
class PlainHost : public RawHost {
 public:
  explicit PlainHost(AttackContext context) : context_(std::move(context)) {
    if (!context_.count) context_.count = std::make_shared<AttackCount>();
  }

  void on_start(RawNet& net) final {
    begin_ = net.now().mono + context_.attack.from;
    end_ = net.now().mono + context_.attack.until;
    net.wake_at(begin_);
  }
  void on_open(RawNet& net, SocketId socket, const Endpoint&, bool inbound) final {
    dialling_.erase(socket);
    const Instant now = net.now().mono;
    if (now < begin_ || now >= end_ || open_.size() >= context_.attack.connections) return net.close(socket);
    open_.insert(socket);
    context_.count->add(inbound ? "accepted" : "connected");
    begin(net, socket);
  }
  void on_dial_failed(RawNet&, SocketId socket) final { dialling_.erase(socket); }
  void on_bytes(RawNet& net, SocketId socket, ByteView bytes) final {
    context_.count->add("heard", bytes.size());
    if (open_.contains(socket)) hear(net, socket);
  }
  void on_closed(RawNet&, SocketId socket) final {
    if (open_.erase(socket) > 0) context_.count->add("cut");
  }
  void on_wake(RawNet& net) final {
    if (net.now().mono >= end_) {
      for (const SocketId socket : open_) net.close(socket);
      return open_.clear();
    }
    for (const auto& victim : context_.victims) {
      if (open_.size() + dialling_.size() >= context_.attack.connections) break;
      dialling_.insert(net.dial(victim));
      context_.count->add("dialled");
    }
    net.wake_at(std::min(net.now().mono + seconds{5}, end_));
  }

 protected:
  virtual void begin(RawNet& net, SocketId socket) = 0;
  virtual void hear(RawNet& net, SocketId socket) = 0;
  void leave(RawNet& net, SocketId socket) {
    open_.erase(socket);
    net.close(socket);
  }

  AttackContext context_;

 private:
  Instant begin_{}, end_{};
  std::set<SocketId> open_, dialling_;
};

class GarbageSender final : public PlainHost {
 public:
  using PlainHost::PlainHost;

 protected:
  void begin(RawNet& net, SocketId socket) override { speak(net, socket); }
  void hear(RawNet& net, SocketId socket) override { speak(net, socket); }

 private:
  void speak(RawNet& net, SocketId socket) {
    if (net.unsent(socket) > 64 * 1024) return;
    Bytes bytes(1 + net.rng().below(4000));
    net.rng().fill(bytes);
    context_.count->add("bytes", bytes.size());
    net.send(socket, bytes);
    if (net.rng().below(256) == 0) leave(net, socket);
  }
};

class SilentListener final : public PlainHost {
 public:
  using PlainHost::PlainHost;

 protected:
  void begin(RawNet&, SocketId) override { context_.count->add("kept silent"); }
  void hear(RawNet&, SocketId) override {}
};

}  // namespace

std::unique_ptr<RawHost> garbage_sender(AttackContext context) { return std::make_unique<GarbageSender>(std::move(context)); }
std::unique_ptr<RawHost> silent_listener(AttackContext context) { return std::make_unique<SilentListener>(std::move(context)); }

}  // namespace lattice::sim
