#include "fields.hpp"

namespace lattice::vectors {

bool has(const Json& object, const char* key) {
  if (!object.is_object()) return false;
  const auto found = object.find(key);
  return found != object.end() && !found->is_null();
}

static const Json& field(const Json& object, const char* key) {
  if (!has(object, key)) throw Malformed(std::string(key) + ": missing");
  return *object.find(key);
}

std::string text_field(const Json& object, const char* key) {
  const Json& value = field(object, key);
  if (!value.is_string()) throw Malformed(std::string(key) + ": not a string");
  return value.get<std::string>();
}

std::string text_field_or(const Json& object, const char* key, const std::string& fallback) {
  return has(object, key) && object.find(key)->is_string() ? object.find(key)->get<std::string>() : fallback;
}

uint64_t number_field(const Json& object, const char* key) {
  const Json& value = field(object, key);
  if (!value.is_number_unsigned()) throw Malformed(std::string(key) + ": not a whole number");
  return value.get<uint64_t>();
}

const Json& array_field(const Json& object, const char* key) {
  const Json& value = field(object, key);
  if (!value.is_array()) throw Malformed(std::string(key) + ": not an array");
  return value;
}

Bytes hex_value(const Json& value, const char* key) {
  if (!value.is_string()) throw Malformed(std::string(key) + ": not a string");
  auto bytes = from_hex(value.get_ref<const std::string&>());
  if (!bytes) throw Malformed(std::string(key) + ": not hexadecimal");
  return std::move(*bytes);
}

Bytes hex_field(const Json& object, const char* key) { return hex_value(field(object, key), key); }

std::optional<Bytes> hex_field_if(const Json& object, const char* key) {
  if (!has(object, key)) return std::nullopt;
  return hex_field(object, key);
}

}  // namespace lattice::vectors
