// Any text as a seed list: refused, or written back byte for byte.
#include <cstdlib>

#include <lattice/discovery/seed_list.hpp>

using namespace lattice;

static void hold(std::string_view text) {
  const auto list = parse_seed_list(text);
  if (!list) return;
  if (seed_list_text(*list) != text) std::abort();
  const std::vector<Digest> operators{
      operator_hash(list->signatures.empty() ? ByteView{} : ByteView(list->signatures[0].public_key))};
  const auto chosen = check_seed_list(*list, list->chain, operators, 1, wall_from_unix(0));
  if (chosen && chosen->size() != 1) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  hold(text);
  // So that the fuzzer need not guess the prefix.
  hold(std::string(seed_list_prefix) + std::string(text));
  return 0;
}
