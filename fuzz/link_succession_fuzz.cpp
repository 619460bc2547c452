// Any bytes as a chain of successions, and as a certificate in text: one form for each value, and nothing that is not signed.
#include <cstdlib>

#include <lattice/link/certificate_text.hpp>
#include <lattice/link/succession.hpp>

using namespace lattice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(data, size);
  const WallTime now = wall_from_unix(1'750'000'000);
  if (const auto chain = decode_successions(input)) {
    if (encode_successions(*chain) != to_bytes(input)) std::abort();
    Successions known;
    for (const auto& one : *chain) {
      (void)check_succession(one, now);
      if (succession_work(one).size() != 2) std::abort();
      // Of a chain in good form nothing contradicts anything.
      if (known.add(node_id_of(one.before), node_id_of(one.after)) != Successions::Added::fresh) std::abort();
    }
    if (known.current(node_id_of(chain->front().before)) != node_id_of(chain->back().after)) std::abort();
    const auto shown = chain_to(*chain, node_id_of(chain->back().after), now);
    if (shown.size() > chain->size()) std::abort();
  }
  if (const auto certificate = parse_certificate_text(as_text(input))) {
    if (encode_certificate(certificate->certificate) != certificate->body) std::abort();
  }
  return 0;
}
