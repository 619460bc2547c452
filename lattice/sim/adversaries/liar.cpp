#include <lattice/sim/adversaries/liar.hpp>

#include <lattice/sim/adversaries/link_speaker.hpp>

namespace lattice::sim {

namespace {

using std::chrono::seconds;
enum class Way : uint8_t { far, nowhere, circle, other, promises };
constexpr size_t ways = 5;
constexpr uint64_t height_claimed = 1'000'000;
constexpr Duration lie_interval = seconds{2};

class Liar final : public LinkSpeaker {
 public:
  using LinkSpeaker::LinkSpeaker;

 protected:
  wire::Status own_status(RawNet& net, const Talk& talk) override {
    wire::Status status = LinkSpeaker::own_status(net, talk);
    if (way_of(talk) != Way::far) return status;
    count("tips claimed");
    status.tip = random_hash(net);
    status.height += height_claimed;
    status.score = Bytes(limits::score_bytes_max, 0xff);
    return status;
  }

  bool on_message(RawNet& net, Talk& talk, Heard& heard) override {
    if (const auto* headers = std::get_if<wire::GetHeaders>(&heard.message)) return on_headers_asked(net, talk, *headers);
    if (const auto* blocks = std::get_if<wire::GetBlocks>(&heard.message)) return on_blocks_asked(net, talk, *blocks);
    return true;
  }

  void on_tick(RawNet& net) override {
    if (net.now().mono < next_lie_) return;
    next_lie_ = net.now().mono + lie_interval;
    for (auto& [socket, talk] : talks_) {
      if (!talk.open) continue;
      if (way_of(talk) == Way::far) send(net, talk, own_status(net, talk));
      if (way_of(talk) != Way::far) announce_nothing(net, talk);
    }
  }

 private:
  Way way_of(const Talk& talk) const { return static_cast<Way>(turn_of(talk, ways)); }

  void announce_nothing(RawNet& net, Talk& talk) {
    count("unknown blocks announced");
    send(net, talk, wire::Inventory{{{wire::InventoryType::block, random_hash(net)}}});
  }

  bool on_headers_asked(RawNet& net, Talk& talk, const wire::GetHeaders& question) {
    wire::Headers answer;
    switch (way_of(talk)) {
      case Way::far: break;
      case Way::nowhere: answer = broken(chain(net).first_headers(limits::headers_max, net.now())); break;
      case Way::circle:
        answer.headers = chain(net).first_headers(limits::headers_max, net.now());
        count("headers repeated", answer.headers.size());
        break;
      default: answer = chain(net).headers(question, net.now());
    }
    send(net, talk, answer);
    return false;
  }

  // Bytes 4 to 35 of a header name the one before it, in most chains; in the others something else breaks.
  wire::Headers broken(std::vector<Bytes> headers) {
    if (headers.empty()) return {};
    Bytes& one = headers[headers.size() / 2];
    if (one.size() > 8) one[8] ^= 0x40;
    count("headers that lead nowhere");
    return {std::move(headers)};
  }

  bool on_blocks_asked(RawNet& net, Talk& talk, const wire::GetBlocks& question) {
    if (way_of(talk) == Way::promises) {
      count("blocks refused", question.hashes.size());
      send(net, talk, wire::NotFound{question.hashes});
      return false;
    }
    const auto& valid = context_.kit->valid;
    if (way_of(talk) != Way::other || valid.size() < 2) return true;
    for (const auto& hash : question.hashes) {
      const BlockHash& instead = valid[1] == hash ? valid.back() : valid[1];
      const auto body = chain(net).body(instead);
      if (!body) continue;
      count("other blocks given");
      send(net, talk, wire::Block{*body});
    }
    return false;
  }

  Instant next_lie_{};
};

}  // namespace

std::unique_ptr<RawHost> liar(AttackContext context) { return std::make_unique<Liar>(std::move(context)); }

}  // namespace lattice::sim
