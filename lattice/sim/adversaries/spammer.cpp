#include <lattice/sim/adversaries/spammer.hpp>

#include <lattice/sim/adversaries/link_speaker.hpp>
#include <lattice/sim/adversaries/spam.hpp>
#include <lattice/wire/frame.hpp>

namespace lattice::sim {

namespace {

enum class Way : uint8_t { polite, deaf, halves, one_kind };
constexpr size_t first_kind = 3;         // ways that are no single kind
constexpr size_t at_a_time = 64;         // messages between two looks at the socket
constexpr size_t kept_back = 4096;       // bytes that come one by one
constexpr size_t polite_a_second = 150;  // below what a peer may say unasked

class Spammer final : public LinkSpeaker {
 public:
  explicit Spammer(AttackContext context) : LinkSpeaker(std::move(context)) {
    known_ = context_.kit->valid;
    if (context_.kit->filled && known_.size() > context_.kit->future.size())
      known_.resize(known_.size() - context_.kit->future.size());
  }
  bool reads(SocketId socket) const override { return !deaf_.contains(socket); }

 protected:
  void on_ready(RawNet& net, Talk& talk) override {
    if (way_of(talk) != Way::deaf) return;
    count("stopped reading");
    deaf_.insert(talk.socket);
    speak(net, talk);
  }
  // It gives nothing but what keeps it welcome.
  bool on_message(RawNet&, Talk& talk, Heard& heard) override {
    return way_of(talk) == Way::polite || std::holds_alternative<wire::Ping>(heard.message);
  }
  void on_gone(RawNet&, Talk& talk) override {
    deaf_.erase(talk.socket);
    begun_.erase(talk.socket);
  }
  void on_tick(RawNet& net) override {
    for (auto& [socket, talk] : talks_)
      if (talk.open) speak(net, talk);
  }

 private:
  size_t turn(const Talk& talk) const { return turn_of(talk, first_kind + spam_kinds().size()); }
  Way way_of(const Talk& talk) const { return turn(talk) < first_kind ? static_cast<Way>(turn(talk)) : Way::one_kind; }

  void speak(RawNet& net, Talk& talk) {
    switch (way_of(talk)) {
      case Way::polite: return speak_politely(net, talk);
      case Way::deaf: return ask_without_reading(net, talk);
      case Way::halves: return begin_and_never_end(net, talk);
      case Way::one_kind: return flood(net, talk, spam_kinds()[turn(talk) - first_kind]);
    }
  }

  void say(RawNet& net, Talk& talk, const SpamKind& kind) {
    count(std::string("spam: ") + kind.name);
    talk.link->send_bytes(channel, kind.lane, kind.make({net.rng(), known_, chain(net).chain_id(), number_++}));
  }

  // Until the line is full.
  void flood(RawNet& net, Talk& talk, const SpamKind& kind) {
    while (!crowded(net, talk)) {
      const size_t before = net.unsent(talk.socket);
      for (size_t i = 0; i < at_a_time && (i == 0 || kind_is_small(kind)); ++i) say(net, talk, kind);
      flush(net, talk);
      if (net.unsent(talk.socket) <= before) return;  // the socket is gone
    }
  }
  static bool kind_is_small(const SpamKind& kind) { return kind.lane == wire::Lane::control; }

  // Only what no node may hold against it: questions, announcements, what nobody knows.
  void speak_politely(RawNet& net, Talk& talk) {
    static constexpr size_t harmless[] = {0, 3, 4, 7, 9, 16};
    const double seconds = seconds_of(tick_interval());
    for (size_t i = 0; i < static_cast<size_t>(polite_a_second * seconds) && !crowded(net, talk); ++i)
      say(net, talk, spam_kinds()[harmless[number_ % std::size(harmless)]]);
    flush(net, talk);
  }

  // Within what it may ask at a time, so that only its not reading is wrong.
  void ask_without_reading(RawNet& net, Talk& talk) {
    say(net, talk, spam_kinds()[1]);
    say(net, talk, spam_kinds()[2]);
    for (size_t i = 0; i < 8; ++i) say(net, talk, spam_kinds()[0]);
    flush(net, talk);
  }

  // Two blocks of the greatest size, on two channels, but for their last bytes: what a victim must keep for one peer at most.
  void begin_and_never_end(RawNet& net, Talk& talk) {
    const size_t whole = limits::message_header_bytes + limits::block_bytes_max;
    if (half_.empty()) half_ = message_bytes(static_cast<uint16_t>(wire::Command::block), Bytes(limits::block_bytes_max));
    size_t& sent = begun_[talk.socket];
    while (!crowded(net, talk) && sent + kept_back < whole) {
      const size_t size = std::min(limits::chunk_bytes_max, whole - kept_back - sent);
      half(talk, sent == 0, ByteView(half_).subspan(sent, size));
      sent += size;
      count("half bytes", 2 * size);
      flush(net, talk);
    }
    if (sent + kept_back < whole || sent + 1 >= whole) return;
    half(talk, false, ByteView(half_).subspan(sent++, 1));
    count("half bytes", 2);
    flush(net, talk);
  }
  void half(Talk& talk, bool first, ByteView chunk) {
    const uint8_t flags = first ? wire::FrameFlags::first : 0;
    talk.link->send_frame(channel, wire::Lane::blocks, flags, chunk);
    talk.link->send_frame(channel + 1, wire::Lane::blocks, flags, chunk);
  }

  std::vector<BlockHash> known_;
  std::set<SocketId> deaf_;
  std::map<SocketId, size_t> begun_;  // how much of each of its two halves was sent
  Bytes half_;
  uint64_t number_ = 0;
};

}  // namespace

std::unique_ptr<RawHost> spammer(AttackContext context) { return std::make_unique<Spammer>(std::move(context)); }

}  // namespace lattice::sim
