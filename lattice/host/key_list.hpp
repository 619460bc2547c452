// An operator's list of keys that two nodes share (key_file_source.hpp keeps it): the text, and which key is next.
//
//   lattice-outside-keys-1
//   # the NodeID of the other side (or * for any), the key's id, 256 bits in hex
//   lat1... 550e8400-e29b-41d4-a716-446655440000 00112233...
#pragma once

#include <map>
#include <string>
#include <vector>

#include <lattice/host/key_source.hpp>
#include <lattice/host/wiped.hpp>

namespace lattice {

namespace key_list_limits {
constexpr size_t file_bytes_max = 1 << 20;
constexpr size_t line_bytes_max = 256;
}  // namespace key_list_limits

struct ListedKey {
  NodeId peer;  // null: any
  KeyId id{};
  Secret<32> key;
  bool used = false;
};

// All of it or the number of the first line that is wrong and why. No id and no key stands twice, no key is zero.
struct KeyListError {
  size_t line = 0;
  std::string why;
};
std::expected<std::vector<ListedKey>, KeyListError> parse_key_list(ByteView text);

}  // namespace lattice
