// Any text as a simulator's scenario: refused with a sentence and a place in the text, or written out and read back to the same.
#include <algorithm>
#include <cstdlib>

#include "../apps/lattice/sim_scenario.hpp"

using namespace lattice::app;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto scenario = parse_sim_scenario(text, "f");
  if (!scenario) {
    const auto lines = static_cast<size_t>(std::ranges::count(text, '\n')) + 1;
    if (scenario.error().what.empty() || scenario.error().line > lines + 1) std::abort();
    return 0;
  }
  const auto written = sim_scenario_text(*scenario);
  const auto back = parse_sim_scenario(written, "f");
  if (!back || sim_scenario_text(*back) != written) std::abort();
  return 0;
}
