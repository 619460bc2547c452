// A machine of an attacker that speaks the real protocol: own identities, handshakes that cost it what they cost anybody, dials
// that it repeats, and the chain as far as the attack's kit has it. By itself it is an honest peer that gives what it is asked
// for; each attack changes one thing.
//
// Its resources are those of the attack: `connections` at a time, `addresses` (AttackContext::own), one line of
// `bytes_per_second` and one core for signatures.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>

#include <lattice/sim/adversaries/adversaries.hpp>
#include <lattice/sim/adversaries/chain_server.hpp>
#include <lattice/sim/adversaries/raw_link.hpp>

namespace lattice::sim {

// One connection.
struct Talk {
  SocketId socket = 0;
  Endpoint remote;
  bool inbound = false;
  size_t ordinal = 0;   // the how manieth of this machine
  size_t identity = 0;  // which of the machine's
  Instant since{};
  std::optional<RawLink> link;
  bool asked = false, open = false;  // the channel
  wire::Status status;               // what the victim said of itself
};

class LinkSpeaker : public RawHost {
 public:
  explicit LinkSpeaker(AttackContext context);

  void on_start(RawNet& net) final;
  void on_open(RawNet& net, SocketId socket, const Endpoint& remote, bool inbound) final;
  void on_dial_failed(RawNet& net, SocketId socket) final;
  void on_bytes(RawNet& net, SocketId socket, ByteView bytes) final;
  void on_closed(RawNet& net, SocketId socket) final;
  void on_wake(RawNet& net) final;

 protected:
  static constexpr wire::ChannelId channel = 1;
  static constexpr size_t send_ahead_bytes = 256 * 1024;  // handed to the socket and not sent yet

  // What an attack changes.
  virtual void on_ready(RawNet&, Talk&) {}  // the channel is open
  // Each message, after the channel's own. False: the attack dealt with it; true: it is answered as an honest peer would.
  virtual bool on_message(RawNet&, Talk&, Heard&) { return true; }
  virtual void on_gone(RawNet&, Talk&) {}
  virtual void on_tick(RawNet&) {}
  virtual Duration tick_interval() const { return std::chrono::milliseconds{250}; }
  virtual wire::Status own_status(RawNet& net, const Talk&);
  virtual size_t lines_per_victim() const { return 1; }
  // How many identities it takes turns with; 0: a fresh one for each connection.
  virtual size_t identities() const { return std::max<size_t>(context_.own.size(), 1); }
  // Bytes for the socket: whole handshake messages or records, each with its length.
  virtual void emit(RawNet& net, Talk& talk, Bytes bytes) { net.send(talk.socket, bytes); }

  // What attacks are made of.
  void send(RawNet& net, Talk& talk, const wire::Message& message);
  void send_bytes(RawNet& net, Talk& talk, wire::Lane lane, ByteView message);
  void hang_up(RawNet& net, SocketId socket);  // without a word
  bool crowded(RawNet& net, const Talk& talk) const { return net.unsent(talk.socket) >= send_ahead_bytes; }
  void flush(RawNet& net, Talk& talk);
  void answer(RawNet& net, Talk& talk, const wire::Message& message);  // as an honest peer
  size_t turn_of(const Talk& talk, size_t ways) const;  // which of so many ways this connection goes: in turn, from another one
                                                        // on each machine
  Talk* find(SocketId socket);
  void add_victim(const Endpoint& victim);  // to those it dials
  bool is_own(const IpAddress& address) const;
  ChainServer& chain(RawNet& net);  // made when first asked for
  void count(const char* what, uint64_t times = 1) { context_.count->add(what, times); }
  void count(const std::string& what) { context_.count->did[what] += 1; }
  BlockHash random_hash(RawNet& net);

  AttackContext context_;
  std::map<SocketId, Talk> talks_;

 private:
  // A connection that it wants, again and again.
  struct Line {
    Endpoint victim;
    size_t address = 0;  // which of its own
    std::optional<SocketId> socket;
    Instant next_try{};
    unsigned failures = 0;
  };
  struct Job {
    Instant due{};
    SocketId socket = 0;
    Work work;
  };
  bool active(Instant now) const { return now >= begin_ && now < end_; }
  void plan(RawNet& net);
  void dial_lines(RawNet& net);
  void line_ended(RawNet& net, SocketId socket);
  void forget(RawNet& net, SocketId socket);
  void pump(RawNet& net, SocketId socket);
  void take_work(RawNet& net, Talk& talk);
  void take_messages(RawNet& net, SocketId socket);
  void open_channel(RawNet& net, Talk& talk, const Heard& heard);
  void give_bodies(RawNet& net, Talk& talk, const wire::GetBlocks& question);
  size_t choose_identity(const Talk& talk);
  std::shared_ptr<const Identity> identity(RawNet& net, size_t index);

  std::vector<Line> lines_;
  std::set<Endpoint> dialled_;
  std::map<SocketId, size_t> line_of_;  // also while it is being dialled
  std::map<size_t, std::shared_ptr<const Identity>> identities_;
  size_t fresh_identities_ = 0;
  std::deque<Job> jobs_;
  Instant core_free_{}, begin_{}, end_{}, tick_due_{};
  size_t connections_ = 0;  // ever
  std::unique_ptr<ChainServer> chain_;
};

}  // namespace lattice::sim
