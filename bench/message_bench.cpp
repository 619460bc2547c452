// B8: small messages over encrypted links on loopback TCP, in batches of 64, against plain TCP with the same batches on the same
// sockets; ping-pong; and how long a control message takes behind a stream of blocks.
#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <bench/benchmarks.hpp>
#include <bench/cpu_time.hpp>
#include <bench/link_mesh.hpp>
#include <lattice/base/assert.hpp>
#include <lattice/wire/writer.hpp>

namespace lattice::bench {
namespace {

constexpr size_t batch = 64;
constexpr size_t messages_each_run = 200'000;
constexpr size_t message_sizes[] = {32, 256, 1024};
constexpr size_t link_counts[] = {1, 100, 10'000};
constexpr size_t pings_each_run = 400;
constexpr size_t control_samples = 10'000;

wire::Consensus message_of(size_t bytes) { return {SharedBytes(Bytes(bytes, 7))}; }

// A batch as plain TCP sends it: each message with its u32 length.
Bytes plain_batch(size_t bytes) {
  wire::Writer writer;
  for (size_t i = 0; i < batch; ++i) writer.u32(static_cast<uint32_t>(bytes)).bytes(Bytes(bytes, 7));
  return writer.take();
}

struct Rate {
  double per_core = 0;    // millions a second of CPU time, of the busier side
  double per_second = 0;  // millions, by the clock
};

// Batches to all connections in turn.
template <class Send>
Rate measure(LinkMesh& mesh, FarMode mode, const Send& send_batch) {
  const size_t rounds = std::max<size_t>(1, messages_each_run / batch / mesh.size());
  const uint64_t count = rounds * mesh.size() * batch;
  FarEnd& far = mesh.far();
  far.mode = mode;
  const uint64_t messages = far.messages, far_cpu = far.cpu_nanoseconds, near_cpu = thread_cpu_nanoseconds();
  const double start = microseconds_now();
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < mesh.size(); ++i) send_batch(mesh[i]);
  }
  const auto near_used = static_cast<double>(thread_cpu_nanoseconds() - near_cpu);
  mesh.wait_for(messages + count);
  const double seconds = (microseconds_now() - start) / 1e6;
  std::this_thread::sleep_for(std::chrono::milliseconds{1});  // it says its time after its messages
  const auto far_used = static_cast<double>(far.cpu_nanoseconds - far_cpu);
  const auto messages_sent = static_cast<double>(count);
  return {messages_sent * 1e3 / std::max(near_used, far_used), messages_sent / 1e6 / seconds};
}

void add_throughput(std::vector<Row>& rows, LinkMesh& mesh, int runs) {
  for (const size_t bytes : message_sizes) {
    const std::string what = fmt::format("{} B messages, {} link{}", bytes, mesh.size(), mesh.size() == 1 ? "" : "s");
    Row core{.id = "B8", .what = what + ", a core", .unit = "M/s", .limit_name = "plain TCP, the same batches of 64"};
    Row clock{.id = "B8", .what = what + ", by the clock", .unit = "M/s", .limit_name = core.limit_name};
    if (bytes == 256) core.goal_value = mesh.size() == 1 ? 3 : 1;
    const Bytes plain = plain_batch(bytes);
    const wire::Message message = message_of(bytes);
    for (int run = 0; run < runs; ++run) {
      const Rate limit = measure(mesh, FarMode::count_plain, [&](LinkMesh::Connection& to) { mesh.write_all(to, plain); });
      const Rate rate = measure(mesh, FarMode::count_messages, [&](LinkMesh::Connection& to) {
        for (size_t i = 0; i < batch; ++i) ASSERT(to.link->send(1, message).has_value());
        mesh.write_pending(to);
      });
      core.limits.push_back(limit.per_core);
      core.values.push_back(rate.per_core);
      clock.limits.push_back(limit.per_second);
      clock.values.push_back(rate.per_second);
    }
    rows.push_back(std::move(core));
    rows.push_back(std::move(clock));
  }
}

double plain_round_trip(LinkMesh& mesh, const Bytes& message) {
  const double start = microseconds_now();
  mesh.write_all(mesh[0], message);
  for (size_t came = 0; came < message.size();) came += mesh.read_some(mesh[0], true).size();
  return microseconds_now() - start;
}

double link_round_trip(LinkMesh& mesh, const wire::Message& message) {
  LinkMesh::Connection& near = mesh[0];
  const double start = microseconds_now();
  ASSERT(near.link->send(1, message).has_value());
  mesh.write_pending(near);
  while (!near.link->poll_event()) mesh.read_to_link(near, true);
  return microseconds_now() - start;
}

Row ping_pong(LinkMesh& mesh, int runs) {
  Row row{.id = "B8",
          .what = "ping-pong of 256 B, p50",
          .unit = "us",
          .limit_name = "ping-pong over plain TCP",
          .goal_ratio = 0.8,
          .lower_is_better = true};
  const Bytes plain(256, 7);
  const wire::Message message = message_of(256);
  for (int run = 0; run < runs; ++run) {
    std::vector<double> plain_times, link_times;
    mesh.far().mode = FarMode::echo_plain;
    for (size_t i = 0; i < pings_each_run; ++i) plain_times.push_back(plain_round_trip(mesh, plain));
    mesh.far().mode = FarMode::echo_messages;
    for (size_t i = 0; i < pings_each_run; ++i) link_times.push_back(link_round_trip(mesh, message));
    row.limits.push_back(quantile(std::move(plain_times), 0.5));
    row.values.push_back(quantile(std::move(link_times), 0.5));
  }
  return row;
}

// Streams of 16 MB, as four blocks of 4 MiB; a ping whenever a buffer of them is on its way. A ping's nonce is its time.
std::vector<double> control_times(LinkMesh& mesh) {
  FarEnd& far = mesh.far();
  far.mode = FarMode::time_pings;
  far.samples = 0;
  LinkMesh::Connection& near = mesh[0];
  const wire::Message block = wire::Block{SharedBytes(Bytes(limits::block_bytes_max, 3))};
  uint64_t pings = 0;
  while (pings < control_samples || near.link->queued_bytes() > 0) {
    if (pings < control_samples && near.link->queued_bytes() == 0) {
      for (int i = 0; i < 4; ++i) ASSERT(near.link->send(1, block).has_value());
    }
    const auto sent_at = static_cast<uint64_t>(microseconds_now());
    if (pings < control_samples && near.link->send(1, wire::Ping{sent_at})) ++pings;
    const ByteView out = near.link->pending_output();
    mesh.write_all(near, out);
    near.link->on_sent(out.size());
    mesh.read_to_link(near, near.link->pending_output().empty() && near.link->queued_bytes() > 0);  // for credit
  }
  const double limit = microseconds_now() + 60e6;
  while (far.samples < pings) {
    ASSERT(microseconds_now() < limit);
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return {far.sample_microseconds, far.sample_microseconds + pings};
}

void add_control(std::vector<Row>& rows, LinkMesh& mesh) {
  std::vector<double> times = control_times(mesh);
  for (double& time : times) time /= 1000;
  const std::string what = "a ping behind 16 MB of blocks";
  rows.push_back({.id = "B8", .what = what + ", p50", .unit = "ms", .values = {quantile(times, 0.5)}, .lower_is_better = true});
  rows.push_back({.id = "B8",
                  .what = what + ", p99 of 10,000",
                  .unit = "ms",
                  .values = {quantile(times, 0.99)},
                  .goal_value = 1,
                  .lower_is_better = true});
}

}  // namespace

std::vector<Row> message_rows(const Options& options) {
  std::vector<Row> rows;
  for (const size_t links : link_counts) {
    LinkMesh mesh(links);
    add_throughput(rows, mesh, options.runs);
    if (links > 1) continue;
    rows.push_back(ping_pong(mesh, options.runs));
    add_control(rows, mesh);
  }
  return rows;
}

}  // namespace lattice::bench
