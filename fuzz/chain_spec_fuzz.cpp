// Any text as a chain spec: refused with a sentence and a place in the text, or written out and read back to the same.
#include <algorithm>
#include <cstdlib>

#include "../apps/lattice/chain_spec.hpp"

using namespace lattice::app;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto spec = parse_chain_spec(text, "f");
  if (!spec) {
    const auto lines = static_cast<size_t>(std::ranges::count(text, '\n')) + 1;
    if (spec.error().what.empty() || spec.error().line > lines + 1) std::abort();
    return 0;
  }
  const auto written = chain_spec_text(*spec);
  const auto back = parse_chain_spec(written, "f");
  if (!back || chain_spec_text(*back) != written) std::abort();
  return 0;
}
