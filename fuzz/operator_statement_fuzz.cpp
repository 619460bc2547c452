// Any text as a statement about operators: refused, or written back byte for byte.
#include <cstdlib>

#include <lattice/discovery/operator_set.hpp>

using namespace lattice;

static void hold(std::string_view text) {
  const auto statement = parse_operator_statement(text);
  if (!statement) return;
  if (operator_statement_text(*statement) != text) std::abort();
  const auto chosen =
      check_operator_statement(*statement, statement->chain, statement->root, statement->set, statement->sequence - 1);
  if (chosen && (chosen->size() < statement->set.threshold || chosen->size() > statement->signatures.size())) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  hold(text);
  // So that the fuzzer need not guess the prefix.
  hold(std::string(operator_set_prefix) + std::string(text));
  return 0;
}
