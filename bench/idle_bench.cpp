// B9: what a link costs that does nothing: 10,000 of them over loopback TCP, one end of each in this process.
#include <bench/benchmarks.hpp>
#include <bench/link_mesh.hpp>
#include <lattice/base/assert.hpp>

namespace lattice::bench {

std::vector<Row> idle_rows(const Options&) {
  constexpr size_t links = 10'000;
  LinkMesh mesh(links);
  const auto each = [](size_t bytes) { return static_cast<double>(bytes) / links / 1024; };
  Row heap{.id = "B9", .what = "10,000 idle links: heap of each", .unit = "KiB", .goal_value = 2, .lower_is_better = true};
  heap.values = {each(mesh.heap_bytes())};
  Row resident{.id = "B9", .what = "10,000 idle links: resident memory of each", .unit = "KiB", .lower_is_better = true};
  resident.values = {each(mesh.resident_bytes())};
  // All of them are alive, and when they have spoken they are as small as before.
  const uint64_t before = mesh.far().messages;
  const size_t used = heap_in_use();
  for (size_t i = 0; i < links; ++i) {
    ASSERT(mesh[i].link->send(1, wire::Ping{i}).has_value());
    mesh.write_pending(mesh[i]);
  }
  mesh.wait_for(before + links);
  const size_t after = heap_in_use();
  Row spoken{
      .id = "B9", .what = "the same, after a message over each", .unit = "KiB", .goal_value = 2, .lower_is_better = true};
  spoken.values = {each(mesh.heap_bytes() + (after > used ? after - used : 0))};
  return {heap, resident, spoken};
}

}  // namespace lattice::bench
