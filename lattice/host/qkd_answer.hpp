// What a key server (KME) says, in the JSON of ETSI GS QKD 014 V1.1.1 clause 6. Strict where a key depends on it: types, sizes, one
// key exactly; members that the standard leaves open (extensions) are passed over.
#pragma once

#include <lattice/host/key_source.hpp>

namespace lattice {

namespace qkd_limits {
constexpr size_t body_bytes_max = 64 * 1024;
constexpr size_t depth_max = 8;            // of objects and arrays in each other
constexpr size_t name_bytes_max = 64;      // a longer member name is none that we know
constexpr size_t message_bytes_max = 120;  // of a key server's own words in our log
}  // namespace qkd_limits

// 6.1 Status.
struct KmeStatus {
  std::string master_sae, slave_sae;
  uint64_t key_size = 0, stored_key_count = 0, max_key_per_request = 0, max_key_size = 0, min_key_size = 0;
};

// 6.3 Key container: the only key in it, of 256 bits, not zero. With `wanted`: of that id.
KeyResult<OutsideKey> parse_key_container(ByteView body, const std::optional<KeyId>& wanted);
KeyResult<KmeStatus> parse_kme_status(ByteView body);
// 6.5 Error: its message in printable ASCII, words as long as a key left out; empty where there is none.
std::string parse_kme_message(ByteView body);

// 6.2 Key request, 6.4 Key IDs: what we ask.
std::string key_request_json();
std::string key_ids_json(const KeyId& id);

}  // namespace lattice
