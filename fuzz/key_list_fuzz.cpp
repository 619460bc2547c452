// Any text as an operator's list of keys: refused with the number of a line, or a list of keys that differ.
#include <cstdlib>
#include <set>

#include <lattice/host/key_list.hpp>

using namespace lattice;

static void hold(std::string_view text) {
  const auto keys = parse_key_list(as_bytes(text));
  if (!keys) {
    if (keys.error().why.empty() || keys.error().line > static_cast<size_t>(std::ranges::count(text, '\n')) + 1) std::abort();
    return;
  }
  std::set<KeyId> ids;
  std::set<Bytes> seen;
  for (const auto& key : *keys) {
    if (key.used || key.key == Secret<32>()) std::abort();
    if (!ids.insert(key.id).second || !seen.insert(to_bytes(key.key.view())).second) std::abort();
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  hold(text);
  hold("lattice-outside-keys-1\n" + text);
  // So that the fuzzer need not guess an id.
  hold("lattice-outside-keys-1\n* bc490419-7d60-487f-adc1-4ddcc177c139 " + text);
  return 0;
}
