// Strict reading of TOML: a fixed set of keys in each table, a type and a range for each value, and the place of whatever is wrong.
// For chain specs and scenarios; who only reads these includes neither this file nor the parser.
#pragma once

#include <expected>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <toml++/toml.h>
#include <lattice/base/bytes.hpp>

#include "toml_error.hpp"

namespace lattice::app {

// Thrown while a file is read, caught in read_toml: a parser of twenty keys reads better without a TRY on each.
struct TomlFault {
  toml::source_position where;
  std::string what;
};

[[noreturn]] void refuse(const toml::node& node, std::string what);
// "a, b, c".
std::string list_of(std::span<const std::string_view> words);
// What a file says may hold anything: it goes into a message shortened and in printable ASCII.
std::string in_quotes(std::string_view text);

// A table with a fixed set of keys: any other is refused with its position, before its values are looked at.
class Section {
 public:
  Section(const toml::table& table, std::string name, std::initializer_list<std::string_view> keys);

  const toml::node* find(std::string_view key) const { return table_.get(key); }
  const toml::node& need(std::string_view key) const;
  // How messages call a value: [chain] rules.
  std::string path(std::string_view key) const { return name_ + " " + std::string(key); }

  std::string text(std::string_view key) const;
  uint64_t number(std::string_view key, uint64_t least, uint64_t most) const {
    return number(need(key), path(key), least, most);
  }
  template <class Number>
  void maybe_number(std::string_view key, uint64_t least, uint64_t most, Number& to) const {
    if (find(key)) to = static_cast<Number>(number(key, least, most));
  }
  static uint64_t number(const toml::node& node, const std::string& what, uint64_t least, uint64_t most);
  // With or without a fraction.
  double real(std::string_view key, double least, double most) const;
  void maybe_real(std::string_view key, double least, double most, double& to) const {
    if (find(key)) to = real(key, least, most);
  }
  // Exactly `count` bytes in hexadecimal.
  Bytes hex(std::string_view key, size_t count) const;

 private:
  const toml::table& table_;
  std::string name_;
};

// Null where there is none.
const toml::table* table_at(const toml::table& root, std::string_view key);
const toml::array* array_of(const toml::node* node, const std::string& what, size_t count_max);

// The parser goes one call deeper for each part of a dotted key, and bounds only arrays and inline tables. No key of ours has more
// than one dot, no name or address as many as this.
constexpr size_t key_dots_max = 128;

// Parses `text` and gives it to `read`, which may throw TomlFault. `file` is only for messages.
template <class Read>
auto read_toml(std::string_view text, std::string_view file, size_t bytes_max, const Read& read)
    -> std::expected<decltype(read(toml::table())), TomlError>;

// --- details ---

std::optional<TomlError> refuse_text(std::string_view text, std::string_view file, size_t bytes_max);

template <class Read>
auto read_toml(std::string_view text, std::string_view file, size_t bytes_max, const Read& read)
    -> std::expected<decltype(read(toml::table())), TomlError> {
  if (auto refused = refuse_text(text, file, bytes_max)) return std::unexpected(std::move(*refused));
  const auto error = [&](const toml::source_position& at, std::string what) {
    return std::unexpected(TomlError{std::string(file), at.line, at.column, std::move(what)});
  };
  try {
    return read(toml::parse(text));
  } catch (const toml::parse_error& problem) {
    return error(problem.source().begin, "this is no TOML: " + std::string(problem.description()));
  } catch (const TomlFault& fault) {
    return error(fault.where, fault.what);
  }
}

}  // namespace lattice::app
