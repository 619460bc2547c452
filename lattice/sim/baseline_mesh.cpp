#include <lattice/sim/baseline_mesh.hpp>

#include <algorithm>

#include <lattice/base/assert.hpp>

namespace lattice::sim {
namespace {

class MeshHost final : public BaselineHost {
 public:
  MeshHost(BaselineConfig config, MeshOptions options) : BaselineHost(std::move(config)), options_(options) {}

  void on_start(RawNet& net) override {
    const auto beat = static_cast<uint64_t>(options_.heartbeat.count());
    next_beat_ = net.now().mono + Duration{static_cast<int64_t>(net.rng().below(beat))};
    BaselineHost::on_start(net);
  }

 private:
  struct Link {
    bool inbound = false, in_mesh = false;
    Instant no_graft_before{};
    std::map<MessageId, size_t> answers;  // to what it asked for, while it is remembered
  };
  using Choice = std::vector<SocketId>;

  // ---- messages

  void on_message(RawNet& net, const MessageId& id, std::optional<SocketId> from) override {
    if (silent() && from) return;
    history_.front().push_back(id);
    for (const auto& [socket, link] : links_) {
      if (socket != from && (link.in_mesh || !from)) send_message(net, socket, id);
    }
  }

  void on_control(RawNet& net, SocketId socket, Frame frame, ByteView payload) override {
    Link& link = links_.at(socket);
    switch (frame) {
      case Frame::graft: return on_graft(net, socket, link);
      case Frame::prune:
        link.in_mesh = false;
        link.no_graft_before = net.now().mono + options_.prune_backoff;
        return;
      case Frame::ihave: return on_ihave(net, socket, payload);
      case Frame::iwant: return on_iwant(net, socket, link, payload);
      case Frame::message: break;
    }
    ASSERT(false);
  }

  // A full mesh takes nobody more who came by himself, nor whoever was sent away lately.
  void on_graft(RawNet& net, SocketId socket, Link& link) {
    if (link.in_mesh) return;
    const bool full = link.inbound && mesh_size() >= options_.degree_high;
    if (full || net.now().mono < link.no_graft_before) return prune(net, socket, link);
    link.in_mesh = true;
  }

  static std::vector<MessageId> ids_in(ByteView payload) {
    std::vector<MessageId> ids;
    for (; payload.size() >= sizeof(MessageId); payload = payload.subspan(sizeof(MessageId)))
      ids.push_back(message_id(payload));
    return ids;
  }

  void on_ihave(RawNet& net, SocketId socket, ByteView payload) {
    Bytes wanted;
    for (const auto& id : ids_in(payload)) {
      if (!seen(id)) append(wanted, id);
    }
    if (!wanted.empty()) send_control(net, socket, Frame::iwant, wanted);
  }

  void on_iwant(RawNet& net, SocketId socket, Link& link, ByteView payload) {
    for (const auto& id : ids_in(payload)) {
      const bool kept =
          std::ranges::any_of(history_, [&](const auto& beat) { return std::ranges::find(beat, id) != beat.end(); });
      if (kept && link.answers[id]++ < options_.answers_max) send_message(net, socket, id);
    }
  }

  // ---- the mesh

  void on_neighbour(RawNet&, SocketId socket, bool inbound) override { links_[socket].inbound = inbound; }
  void on_neighbour_gone(RawNet&, SocketId socket) override { links_.erase(socket); }

  size_t mesh_size() const {
    return static_cast<size_t>(std::ranges::count_if(links_, [](const auto& entry) { return entry.second.in_mesh; }));
  }
  template <class Is>
  Choice links_that(Is is) const {
    Choice out;
    for (const auto& [socket, link] : links_) {
      if (is(link)) out.push_back(socket);
    }
    return out;
  }
  static void shuffle(Choice& links, Rng& rng) {
    for (size_t i = links.size(); i > 1; --i) std::swap(links[i - 1], links[rng.below(i)]);
  }

  void prune(RawNet& net, SocketId socket, Link& link) {
    link.in_mesh = false;
    link.no_graft_before = net.now().mono + options_.prune_backoff;
    send_control(net, socket, Frame::prune, {});
  }

  void graft_up_to(RawNet& net, size_t size) {
    Choice others = links_that([&](const Link& link) { return !link.in_mesh && link.no_graft_before <= net.now().mono; });
    shuffle(others, net.rng());
    for (const SocketId socket : others) {
      if (mesh_size() >= size) return;
      links_.at(socket).in_mesh = true;
      send_control(net, socket, Frame::graft, {});
    }
  }

  void cut_down_to(RawNet& net, size_t size) {
    Choice mesh = links_that([](const Link& link) { return link.in_mesh; });
    shuffle(mesh, net.rng());
    // Those of its own choice first, as many as must stay.
    size_t own = 0;
    for (size_t at = 0; at < mesh.size() && own < std::min(options_.degree_out, size); ++at) {
      if (!links_.at(mesh[at]).inbound) std::swap(mesh[own++], mesh[at]);
    }
    for (size_t i = size; i < mesh.size(); ++i) prune(net, mesh[i], links_.at(mesh[i]));
  }

  // ---- heartbeats

  std::optional<Instant> next_timeout() const override { return next_beat_; }

  void on_timeout(RawNet& net) override {
    next_beat_ += options_.heartbeat;
    if (mesh_size() < options_.degree_low) graft_up_to(net, options_.degree);
    if (mesh_size() > options_.degree_high) cut_down_to(net, options_.degree);
    if (!silent()) gossip(net);
    history_.push_front({});
    if (history_.size() <= options_.history_beats) return;
    for (auto& [socket, link] : links_) {
      for (const auto& id : history_.back()) link.answers.erase(id);
    }
    history_.pop_back();
  }

  void gossip(RawNet& net) {
    Bytes ids;
    for (size_t beat = 0; beat < std::min(options_.gossip_beats, history_.size()); ++beat) {
      for (const auto& id : history_[beat]) append(ids, id);
    }
    ids.resize(std::min(ids.size(), control_bytes_max / sizeof(MessageId) * sizeof(MessageId)));
    if (ids.empty()) return;
    Choice others = links_that([](const Link& link) { return !link.in_mesh; });
    shuffle(others, net.rng());
    const auto share = static_cast<size_t>(options_.gossip_share * static_cast<double>(others.size()));
    others.resize(std::min(others.size(), std::max(options_.gossip_least, share)));
    for (const SocketId socket : others) send_control(net, socket, Frame::ihave, ids);
  }

  MeshOptions options_;
  std::map<SocketId, Link> links_;
  std::deque<std::vector<MessageId>> history_{{}};  // by heartbeat, newest first
  Instant next_beat_{};
};

}  // namespace

std::unique_ptr<BaselineHost> mesh_host(BaselineConfig config, MeshOptions options) {
  return std::make_unique<MeshHost>(std::move(config), options);
}

}  // namespace lattice::sim
