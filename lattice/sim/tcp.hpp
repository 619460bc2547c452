// One direction of a modelled TCP connection. Loss and reordering stay below it: what a node sees is delay and throughput.
//
// Slow start and congestion avoidance as RFC 5681 has them, with segments gathered into bursts. A lost packet delays its burst:
// by a round trip where enough follows to tell the sender (fast retransmit), else by the retransmission timeout (RFC 6298: 2.4
// gives at least a second, Linux 200 ms; 5.5 doubles it).
#pragma once

#include <vector>

#include <lattice/base/bytes.hpp>
#include <lattice/base/fifo.hpp>
#include <lattice/base/random.hpp>
#include <lattice/base/time.hpp>
#include <lattice/sim/event_queue.hpp>

namespace lattice::sim {

constexpr size_t segment_bytes = 1448;                       // what an Ethernet packet leaves with timestamps
constexpr size_t initial_window_bytes = 10 * segment_bytes;  // RFC 6928
constexpr size_t burst_bytes_max = 64 * 1024;
constexpr size_t receive_window_bytes = 1024 * 1024;
constexpr size_t close_tail_bytes_max = 512 * 1024;
constexpr uint8_t retries_of_a_packet_max = 15;

struct Pipe {
  Bytes tail;  // written before the end was closed (or by a raw host), not yet sent
  size_t tail_sent = 0;
  bool fin_wanted = false, fin_sent = false;
  size_t in_flight = 0;       // sent, not yet acknowledged
  size_t in_flight_peak = 0;  // since nothing was
  size_t window = initial_window_bytes, threshold = receive_window_bytes;
  Instant last_sent{};
  Instant last_arrival{};
  // Acknowledgements on their way back, in order; they count when their time has come and somebody asks.
  struct Acknowledgement {
    Instant at;
    size_t bytes = 0;
    bool lost = false;
  };
  Fifo<Acknowledgement> acknowledgements;
  bool starved = false;  // the window was full: the next acknowledgement is an event
  Fifo<Bytes> inbox;     // arrived, not yet taken by the process
  bool fin_arrived = false;

  // What a line that carries nothing did not carry, and what came behind it, by place; acknowledgements that did not get back.
  std::vector<Burst> held;
  size_t held_acknowledged = 0;
  uint32_t places_sent = 0, places_arrived = 0;
  uint8_t retries = 0;  // of the same packet; RFC 1122 4.2.3.5 wants an end, Linux has it after 15
  bool retry_planned = false;

  size_t tail_left() const { return tail.size() - tail_sent; }
  // How many bytes may go now; 0 where less than a segment would and something is under way.
  size_t room() const;
  // RFC 6298: the next time-out, doubled with each that passed.
  Duration retry_pause(Duration round_trip) const;
  void on_sent(size_t bytes, Instant now);
  // A window that was not needed does not grow (RFC 7661; Linux, tcp_is_cwnd_limited: in slow start not by more than twice what
  // was under way): else the small messages of a quiet connection would open it.
  void on_acknowledged(size_t bytes, bool lost);
  void take_acknowledgements(Instant now);
  // Before something is sent and nothing is under way: a connection that was idle longer than its retransmission timeout begins
  // again with the initial window (RFC 5681 4.1), by halves for each timeout that passed (Linux, tcp_cwnd_restart). What it had
  // reached stays its threshold.
  void restart_after_idle(Instant now, Duration round_trip);
};

// A number for several packets together: true as often as one of them is hit.
bool any_hit(double share, size_t packets, Rng& rng);

struct LossModel {
  double rate = 0;  // of packets
  // How much later than without loss a burst arrives; zero: nothing was lost. `sent_again` counts packets.
  Duration delay(size_t bytes, bool more_follows, Duration round_trip, Rng& rng, uint64_t& sent_again) const;
  // The same for a connection request: RFC 6298 2.1 begins with a second.
  Duration request_delay(Rng& rng, uint64_t& sent_again) const;
};

}  // namespace lattice::sim
