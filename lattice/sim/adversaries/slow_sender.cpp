#include <lattice/sim/adversaries/slow_sender.hpp>

#include <algorithm>

#include <lattice/sim/adversaries/link_speaker.hpp>

namespace lattice::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
enum class Way : uint8_t { drip, trickle, brink };
constexpr size_t ways = 3;
constexpr size_t handshake_rate = 1, trickle_rate = 100;  // bytes a second
constexpr Duration headers_after = seconds{19}, block_every = milliseconds{9500};
constexpr size_t waiting_max = 4 * 1024 * 1024;  // of one connection
constexpr size_t answers_max = 1024;

class SlowSender final : public LinkSpeaker {
 public:
  using LinkSpeaker::LinkSpeaker;

 protected:
  Duration tick_interval() const override { return milliseconds{500}; }

  void emit(RawNet& net, Talk& talk, Bytes bytes) override {
    if (way_of(talk) == Way::brink || (way_of(talk) == Way::trickle && !talk.open)) return net.send(talk.socket, bytes);
    Slow& slow = slow_[talk.socket];
    if (slow.waiting.size() + bytes.size() > waiting_max) return;
    if (slow.waiting.empty()) slow.last = net.now().mono;
    slow.waiting.insert(slow.waiting.end(), bytes.begin(), bytes.end());
  }

  bool on_message(RawNet& net, Talk& talk, Heard& heard) override {
    if (way_of(talk) != Way::brink) return true;
    Slow& slow = slow_[talk.socket];
    const Instant now = net.now().mono;
    if (std::holds_alternative<wire::GetHeaders>(heard.message)) {
      if (slow.answers.size() < answers_max) slow.answers.push_back({now + headers_after, heard.message});
      return false;
    }
    const auto* blocks = std::get_if<wire::GetBlocks>(&heard.message);
    if (blocks == nullptr) return true;
    for (const auto& hash : blocks->hashes) {
      slow.block_due = std::max(slow.block_due, now) + block_every;
      if (slow.answers.size() < answers_max) slow.answers.push_back({slow.block_due, wire::GetBlocks{{hash}}});
    }
    return false;
  }

  void on_gone(RawNet&, Talk& talk) override { slow_.erase(talk.socket); }

  void on_tick(RawNet& net) override {
    for (auto& [socket, slow] : slow_) {
      Talk* talk = find(socket);
      if (talk == nullptr) continue;
      give_bytes(net, *talk, slow);
      give_answers(net, *talk, slow);
    }
  }

 private:
  struct Answer {
    Instant due{};
    wire::Message question;
  };
  struct Slow {
    std::deque<uint8_t> waiting;
    Instant last{};
    std::vector<Answer> answers;
    Instant block_due{};
  };
  Way way_of(const Talk& talk) const { return static_cast<Way>(turn_of(talk, ways)); }

  void give_bytes(RawNet& net, const Talk& talk, Slow& slow) {
    if (slow.waiting.empty()) return;
    const size_t rate = way_of(talk) == Way::drip ? handshake_rate : trickle_rate;
    const Duration gone = net.now().mono - slow.last;
    const auto due = static_cast<size_t>(seconds_of(gone) * static_cast<double>(rate));
    const size_t bytes = std::min(due, slow.waiting.size());
    if (bytes == 0) return;
    const auto end = slow.waiting.begin() + static_cast<ptrdiff_t>(bytes);
    net.send(talk.socket, Bytes(slow.waiting.begin(), end));
    slow.waiting.erase(slow.waiting.begin(), end);
    slow.last += Duration{seconds{1}} * bytes / rate;
    count(way_of(talk) == Way::drip ? "bytes dripped" : "bytes trickled", bytes);
  }

  void give_answers(RawNet& net, Talk& talk, Slow& slow) {
    const Instant now = net.now().mono;
    for (size_t i = 0; i < slow.answers.size();) {
      if (slow.answers[i].due > now) {
        ++i;
        continue;
      }
      const wire::Message question = std::move(slow.answers[i].question);
      slow.answers.erase(slow.answers.begin() + static_cast<ptrdiff_t>(i));
      count("answers on the brink");
      answer(net, talk, question);
    }
  }

  std::map<SocketId, Slow> slow_;
};

}  // namespace

std::unique_ptr<RawHost> slow_sender(AttackContext context) { return std::make_unique<SlowSender>(std::move(context)); }

}  // namespace lattice::sim
