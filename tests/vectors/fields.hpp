// Reading fields of vector files. What is not as it must be throws Malformed, which the runners count as that vector's failure.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

#include <lattice/base/bytes.hpp>
#include <lattice/crypto/secret.hpp>

namespace lattice::vectors {

using Json = nlohmann::json;

struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Absent and null are the same.
bool has(const Json& object, const char* key);
std::string text_field(const Json& object, const char* key);
std::string text_field_or(const Json& object, const char* key, const std::string& fallback);
uint64_t number_field(const Json& object, const char* key);
const Json& array_field(const Json& object, const char* key);
Bytes hex_value(const Json& value, const char* key);
Bytes hex_field(const Json& object, const char* key);
std::optional<Bytes> hex_field_if(const Json& object, const char* key);

template <size_t N>
ByteArray<N> array_of(const Bytes& bytes, const char* key) {
  if (bytes.size() != N) throw Malformed(std::string(key) + ": not " + std::to_string(N) + " bytes");
  ByteArray<N> array;
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}
template <size_t N>
std::optional<Secret<N>> secret_field_if(const Json& object, const char* key) {
  if (!has(object, key)) return std::nullopt;
  return Secret<N>(array_of<N>(hex_field(object, key), key));
}
template <size_t N>
std::optional<ByteArray<N>> array_field_if(const Json& object, const char* key) {
  if (!has(object, key)) return std::nullopt;
  return array_of<N>(hex_field(object, key), key);
}

}  // namespace lattice::vectors
