#include "toml_section.hpp"

#include <algorithm>
#include <cctype>
#include <span>

#include <fmt/format.h>

namespace lattice::app {

std::string TomlError::text() const {
  return line == 0 ? fmt::format("{}: {}", file, what) : fmt::format("{}:{}:{}: {}", file, line, column, what);
}

void refuse(const toml::node& node, std::string what) { throw TomlFault{node.source().begin, std::move(what)}; }

std::string list_of(std::span<const std::string_view> words) {
  std::string out;
  for (const auto word : words) out += (out.empty() ? "" : ", ") + std::string(word);
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 80)) out += c >= ' ' && c < 127 ? c : '?';
  return out + (text.size() > 80 ? "...\"" : "\"");
}

Section::Section(const toml::table& table, std::string name, std::initializer_list<std::string_view> keys)
    : table_(table), name_(std::move(name)) {
  for (const auto& [key, value] : table) {
    if (std::ranges::find(keys, key.str()) != keys.end()) continue;
    throw TomlFault{key.source().begin, fmt::format("unknown key {} in {}; allowed: {}", in_quotes(key.str()), name_,
                                                    list_of({keys.begin(), keys.end()}))};
  }
}

const toml::node& Section::need(std::string_view key) const {
  if (const auto* node = find(key)) return *node;
  throw TomlFault{table_.source().begin, fmt::format("{} needs the key \"{}\"", name_, key)};
}

std::string Section::text(std::string_view key) const {
  const auto& node = need(key);
  const auto value = node.value_exact<std::string>();
  if (!value) refuse(node, path(key) + " must be a text in quotes");
  return *value;
}

uint64_t Section::number(const toml::node& node, const std::string& what, uint64_t least, uint64_t most) {
  const auto value = node.value_exact<int64_t>();
  if (!value) refuse(node, what + " must be a whole number");
  if (*value < 0 || static_cast<uint64_t>(*value) < least || static_cast<uint64_t>(*value) > most) {
    refuse(node, fmt::format("{} is {}; allowed: {} to {}", what, *value, least, most));
  }
  return static_cast<uint64_t>(*value);
}

double Section::real(std::string_view key, double least, double most) const {
  const auto& node = need(key);
  if (!node.is_number()) refuse(node, path(key) + " must be a number");
  const double value = *node.value<double>();
  if (!(value >= least && value <= most))
    refuse(node, fmt::format("{} is {}; allowed: {} to {}", path(key), value, least, most));
  return value;
}

Bytes Section::hex(std::string_view key, size_t count) const {
  const auto value = text(key);
  auto bytes = from_hex(value);
  if (!bytes || bytes->size() != count) refuse(need(key), fmt::format("{} must be {} hex digits", path(key), count * 2));
  return *bytes;
}

const toml::table* table_at(const toml::table& root, std::string_view key) {
  const auto* node = root.get(key);
  if (node && !node->is_table()) refuse(*node, fmt::format("{} must be a table: [{}]", key, key));
  return node ? node->as_table() : nullptr;
}

const toml::array* array_of(const toml::node* node, const std::string& what, size_t count_max) {
  if (!node) return nullptr;
  const auto* array = node->as_array();
  if (!array) refuse(*node, what + " must be a list: [...]");
  if (array->size() > count_max)
    refuse(*node, fmt::format("{} has {} entries; at most {} are allowed", what, array->size(), count_max));
  return array;
}

static std::optional<size_t> deeply_dotted_line(std::string_view text) {
  size_t line = 1, dots = 0;
  for (const char c : text) {
    const bool part_of_key =
        std::isalnum(static_cast<unsigned char>(c)) || std::string_view("_-.\"' \t").find(c) != std::string_view::npos;
    if (c == '\n') ++line;
    dots = part_of_key ? dots + (c == '.' ? 1 : 0) : 0;
    if (dots > key_dots_max) return line;
  }
  return std::nullopt;
}

std::optional<TomlError> refuse_text(std::string_view text, std::string_view file, size_t bytes_max) {
  if (text.size() > bytes_max) return TomlError{std::string(file), 0, 0, fmt::format("larger than {} bytes", bytes_max)};
  if (const auto line = deeply_dotted_line(text))
    return TomlError{std::string(file), *line, 1, fmt::format("more than {} dots in one key or word", key_dots_max)};
  return std::nullopt;
}

}  // namespace lattice::app
