#include <lattice/host/key_list.hpp>

#include <algorithm>
#include <set>

#include <lattice/host/key_id.hpp>
#include <lattice/link/identity.hpp>

namespace lattice {

namespace {

constexpr std::string_view first_line = "lattice-outside-keys-1";

std::string_view take_word(std::string_view& line) {
  const auto end = std::min(line.find(' '), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Straight into secret memory: from_hex would leave a copy behind.
bool parse_key(std::string_view hex, Secret<32>& key) {
  if (hex.size() != 64) return false;
  for (size_t i = 0; i < 32; ++i) {
    const int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    key.span()[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

// Empty: the line is good.
std::string_view parse_line(std::string_view line, ListedKey& entry) {
  if (line.size() > key_list_limits::line_bytes_max) return "it is too long";
  const auto peer = take_word(line), id = take_word(line), key = take_word(line);
  if (!line.empty()) return "more than three words, or more than one space between them";
  if (peer != "*") {
    const auto node = parse_node_id(peer);
    if (!node || node->is_zero()) return "the first word is no NodeID (lat1...) and not *";
    entry.peer = *node;
  }
  const auto known = parse_key_id(id);
  if (!known) return "the second word is no key id (a UUID)";
  entry.id = *known;
  if (!parse_key(key, entry.key)) return "the third word is no key of 64 hex digits";
  return entry.key == Secret<32>() ? "every bit of the key is zero" : "";
}

}  // namespace

std::expected<std::vector<ListedKey>, KeyListError> parse_key_list(ByteView bytes) {
  const auto refused = [](size_t line, std::string_view why) { return std::unexpected(KeyListError{line, std::string(why)}); };
  if (bytes.size() > key_list_limits::file_bytes_max) return refused(0, "it is too large");
  std::string_view text = as_text(bytes);
  std::vector<ListedKey> keys;
  std::set<KeyId> ids;
  const auto by_key = [](const ByteView& a, const ByteView& b) { return std::ranges::lexicographical_compare(a, b); };
  // Room for all: a list that grows would move its keys, and `seen` views them.
  keys.reserve(static_cast<size_t>(std::ranges::count(text, '\n')) + 1);
  std::set<ByteView, decltype(by_key)> seen(by_key);
  for (size_t number = 1; !text.empty() || number == 1; ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (number == 1) {
      if (line != first_line) return refused(1, "it is not \"" + std::string(first_line) + "\"");
      continue;
    }
    if (line.empty() || line.front() == '#') continue;
    ListedKey entry;
    if (const auto why = parse_line(line, entry); !why.empty()) return refused(number, why);
    if (!ids.insert(entry.id).second) return refused(number, "its id stands twice in the file");
    keys.push_back(std::move(entry));
    if (!seen.insert(keys.back().key.view()).second) return refused(number, "its key stands twice in the file");
  }
  return keys;
}

}  // namespace lattice
