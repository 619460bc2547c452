#include <lattice/sim/adversaries/mutator.hpp>

#include <lattice/sim/adversaries/link_speaker.hpp>

namespace lattice::sim {

namespace {

enum class Way : uint8_t {
  message_bit,
  message_bit_seen,
  message_cut,
  message_twice,
  message_order,
  record_bit,
  record_cut,
  record_twice,
  record_order
};
constexpr size_t ways = 9;
constexpr size_t one_in = 4;                  // messages or records that are changed
constexpr size_t kept_bytes_max = 64 * 1024;  // larger messages are not passed on

class Mutator final : public LinkSpeaker {
 public:
  using LinkSpeaker::LinkSpeaker;

 protected:
  void on_ready(RawNet& net, Talk& talk) override {
    const auto& valid = context_.kit->valid;
    send(net, talk, wire::GetAddresses{});
    send(net, talk, wire::GetHeaders{{valid.front()}, {}});
    send(net, talk, wire::GetBlocks{{valid[net.rng().below(valid.size())]}});
  }

  bool on_message(RawNet& net, Talk& talk, Heard& heard) override {
    if (std::holds_alternative<wire::Ping>(heard.message)) return true;
    if (const auto* headers = std::get_if<wire::GetHeaders>(&heard.message)) {
      give(net, talk, wire::Lane::headers, flat(wire::encode(chain(net).headers(*headers, net.now()), 1)));
      return false;
    }
    if (const auto* blocks = std::get_if<wire::GetBlocks>(&heard.message)) {
      for (const auto& hash : blocks->hashes)
        if (const auto body = chain(net).body(hash))
          give(net, talk, wire::Lane::blocks, flat(wire::encode(wire::Block{*body}, 1)));
      return false;
    }
    pass_on(net, talk, heard);
    return true;
  }

  // Records begin once the handshake is over: each call has whole ones.
  void emit(RawNet& net, Talk& talk, Bytes bytes) override {
    Last& last = last_[talk.socket];
    const Way way = way_of(talk);
    if (!talk.open || way < Way::record_bit || net.rng().below(one_in) != 0) {
      net.send(talk.socket, bytes);
      if (!last.record.empty()) net.send(talk.socket, std::exchange(last.record, {}));
      return;
    }
    count("records changed");
    switch (way) {
      case Way::record_bit: bytes[record_length_bytes + net.rng().below(bytes.size() - record_length_bytes)] ^= 1; break;
      case Way::record_cut: bytes.resize(bytes.size() - 1); break;
      case Way::record_twice: net.send(talk.socket, bytes); break;
      default: append(last.record, bytes); return;  // behind the next one
    }
    net.send(talk.socket, bytes);
  }

  void on_gone(RawNet&, Talk& talk) override { last_.erase(talk.socket); }

 private:
  struct Last {
    Bytes record;   // goes behind the next one
    Bytes message;  // the same
    wire::Lane lane = wire::Lane::control;
  };
  Way way_of(const Talk& talk) const { return static_cast<Way>(turn_of(talk, ways)); }

  void pass_on(RawNet& net, const Talk& from, const Heard& heard) {
    if (std::holds_alternative<wire::Unknown>(heard.message) || heard.bytes.size() > kept_bytes_max) return;
    const wire::Lane lane = wire::lane_of(wire::command_of(heard.message));
    for (auto& [socket, talk] : talks_) {
      if (!talk.open || talk.remote.ip == from.remote.ip || crowded(net, talk)) continue;
      count("passed on");
      give(net, talk, lane, to_bytes(heard.bytes.view()));
    }
  }

  void give(RawNet& net, Talk& talk, wire::Lane lane, Bytes message) {
    Last& last = last_[talk.socket];
    if (way_of(talk) >= Way::record_bit || net.rng().below(one_in) != 0) {
      send_bytes(net, talk, lane, message);
    } else {
      count("messages changed");
      change(net, talk, lane, std::move(message), last);
      return;
    }
    if (last.message.empty()) return;
    const Bytes late = std::exchange(last.message, {});
    send_bytes(net, talk, last.lane, late);
  }

  void change(RawNet& net, Talk& talk, wire::Lane lane, Bytes message, Last& last) {
    constexpr size_t head = limits::message_header_bytes;
    const bool has_payload = message.size() > head;
    switch (way_of(talk)) {
      case Way::message_bit:
      case Way::message_bit_seen:
        if (has_payload) {
          const size_t where = head + net.rng().below(message.size() - head);
          message[where] ^= static_cast<uint8_t>(1u << net.rng().below(8));
        }
        if (way_of(talk) == Way::message_bit) mend_message(message);
        break;
      case Way::message_cut:
        if (has_payload) message.resize(head + net.rng().below(message.size() - head));
        mend_message(message);
        break;
      case Way::message_twice: send_bytes(net, talk, lane, message); break;
      default:
        if (!last.message.empty()) break;
        last.message = std::move(message);
        last.lane = lane;
        return;
    }
    send_bytes(net, talk, lane, message);
  }

  std::map<SocketId, Last> last_;
};

}  // namespace

std::unique_ptr<RawHost> mutator(AttackContext context) { return std::make_unique<Mutator>(std::move(context)); }

}  // namespace lattice::sim
