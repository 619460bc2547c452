// One direction of a modelled TCP connection. Loss and reordering stay below it: what a node sees is delay and throughput.
//
// Slow start and congestion avoidance as RFC 5681 has them, with segments gathered into bursts. A lost packet delays its burst:
// by a round trip where enough follows to tell the sender (fast retransmit), else by the retransmission timeout (RFC 6298: 2.4
// gives at least a second, Linux 200 ms; 5.5 doubles it).
#pragma once

#include <deque>

#include <lattice/base/bytes.hpp>
#include <lattice/base/random.hpp>
#include <lattice/base/time.hpp>

namespace lattice::sim {

constexpr size_t segment_bytes = 1448;  // what an Ethernet packet leaves with timestamps
constexpr size_t burst_bytes_max = 64 * 1024;
constexpr size_t receive_window_bytes = 1024 * 1024;
constexpr size_t close_tail_bytes_max = 512 * 1024;

struct Pipe {
  Bytes tail;  // written before the end was closed (or by a raw host), not yet sent
  size_t tail_sent = 0;
  bool fin_wanted = false, fin_sent = false;
  size_t in_flight = 0;  // sent, not yet acknowledged
  size_t window = 10 * segment_bytes, threshold = receive_window_bytes;
  Instant last_arrival{};
  std::deque<Bytes> inbox;  // arrived, not yet taken by the node
  bool fin_arrived = false;

  size_t tail_left() const { return tail.size() - tail_sent; }
  // How many bytes may go now; 0 where less than a segment would and something is under way.
  size_t room() const;
  void on_acknowledged(size_t bytes, bool lost);
};

struct LossModel {
  double rate = 0;  // of packets
  // How much later than without loss a burst arrives; zero: nothing was lost. `sent_again` counts packets.
  Duration delay(size_t bytes, bool more_follows, Duration round_trip, Rng& rng, uint64_t& sent_again) const;
  // The same for a connection request: RFC 6298 2.1 begins with a second.
  Duration request_delay(Rng& rng, uint64_t& sent_again) const;
};

}  // namespace lattice::sim
