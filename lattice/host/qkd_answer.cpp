#include <lattice/host/qkd_answer.hpp>

#include <algorithm>
#include <cctype>

#include <nlohmann/json.hpp>

#include <lattice/host/key_id.hpp>
#include <lattice/host/wiped.hpp>

namespace lattice {

namespace {

constexpr size_t key_base64_bytes = 44;  // 32 bytes: 43 digits and one '='

auto bad_answer(const char* why) { return std::unexpected(KeyError{KeyFault::bad_answer, why}); }

enum class Kind : uint8_t { object, array, text, number, other };

struct Value {
  Kind kind;
  std::string_view text = {};
  uint64_t number = 0;
};

bool is_name(std::string_view name) {
  return name.size() <= qkd_limits::name_bytes_max &&
         std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

// Tells `take` each value with its place: "/keys/[]/key". A name that is none of the standard's cannot look like one.
template <class Take>
class Walker final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Walker(Take& take) : take_(take) {}

  bool null() override { return value({Kind::other}); }
  bool boolean(bool) override { return value({Kind::other}); }
  bool number_integer(number_integer_t) override { return value({Kind::other}); }  // negative
  bool number_unsigned(number_unsigned_t number) override { return value({Kind::number, {}, number}); }
  bool number_float(number_float_t, const string_t&) override { return value({Kind::other}); }
  bool binary(binary_t&) override { return false; }
  bool string(string_t& text) override { return value({Kind::text, text}); }
  bool start_object(size_t) override { return begin({Kind::object}, "/?"); }
  bool start_array(size_t) override { return begin({Kind::array}, "/[]"); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool key(string_t& name) override {
    if (starts_.empty()) return false;
    path_.resize(starts_.back());
    path_ += is_name(name) ? "/" + name : "/?";
    return true;
  }
  bool whole() const { return document_ && texts_around_ == 2; }
  // What the library says of the place holds what it had read: a key, maybe.
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  // Outermost is the array that `walk` has put around.
  bool value(const Value& value) {
    if (starts_.size() > 1) return take_(std::string_view(path_), value);
    ++texts_around_;
    return starts_.size() == 1 && value.kind == Kind::text;
  }
  bool begin(const Value& what, std::string_view inside) {
    if (starts_.size() > qkd_limits::depth_max) return false;
    if (starts_.empty()) {
      starts_.push_back(0);
      return what.kind == Kind::array;
    }
    if (starts_.size() == 1 && (what.kind != Kind::object || std::exchange(document_, true))) return false;
    if (starts_.size() > 1 && !take_(std::string_view(path_), what)) return false;
    starts_.push_back(path_.size());
    path_ += inside;
    return true;
  }
  bool end() {
    path_.resize(starts_.back());
    starts_.pop_back();
    return true;
  }

  Take& take_;
  std::string path_;
  std::vector<size_t> starts_;  // of each open object or array: where its part of the path ends
  bool document_ = false;
  size_t texts_around_ = 0;
};

// False: no JSON object, or `take` refused. The library's lexer keeps the token it reads in buffers that it does not wipe: a first
// text as long as all there is makes them large enough for good, and a last one overwrites what they hold.
template <class Take>
bool walk(ByteView body, Take take) {
  if (body.size() > qkd_limits::body_bytes_max) return false;
  const auto add = [](WipedBytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); };
  WipedBytes text;
  text.reserve(3 * body.size() + 64);
  add(text, as_bytes("[\""));
  text.resize(text.size() + body.size() + 16, ' ');
  add(text, as_bytes("\","));
  add(text, body);
  add(text, as_bytes(",\""));
  text.resize(text.size() + body.size() + 16, ' ');
  add(text, as_bytes("\"]"));
  Walker<Take> walker(take);
  const auto* begin = reinterpret_cast<const char*>(text.data());
  return nlohmann::json::sax_parse(begin, begin + text.size(), &walker) && walker.whole();
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

bool has_key_size(std::string_view text) {
  return text.size() == key_base64_bytes && text.ends_with('=') && !text.ends_with("==");
}

// RFC 4648 section 4, canonical (3.5: the pad bits are zero). `text` has the size of a key.
bool decode_key(std::string_view text, Secret<32>& key) {
  uint32_t bits = 0;
  size_t count = 0, out = 0;
  for (const char c : text.substr(0, key_base64_bytes - 1)) {
    const int digit = base64_digit(c);
    if (digit < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    if ((count += 6) < 8) continue;
    count -= 8;
    key.span()[out++] = static_cast<uint8_t>(bits >> count);
  }
  return (bits & 3) == 0;
}

// The members of a key container that we need, each once.
struct Container {
  size_t lists = 0, entries = 0;
  std::optional<KeyId> id;
  std::optional<Secret<32>> key;
  bool wrong_size = false;

  bool take(std::string_view place, const Value& value) {
    if (place == "/keys") return value.kind == Kind::array && ++lists == 1;
    if (place == "/keys/[]") return value.kind == Kind::object && ++entries == 1;
    if (place == "/keys/[]/key_ID") {
      if (value.kind != Kind::text || id) return false;
      id = parse_key_id(value.text);
      return id.has_value();
    }
    if (place == "/keys/[]/key") {
      if (value.kind != Kind::text || key) return false;
      wrong_size = !has_key_size(value.text);
      key.emplace();
      return !wrong_size && decode_key(value.text, *key);
    }
    return true;
  }
};

}  // namespace

KeyResult<OutsideKey> parse_key_container(ByteView body, const std::optional<KeyId>& wanted) {
  Container found;
  const bool parsed = walk(body, [&](std::string_view place, const Value& value) { return found.take(place, value); });
  if (found.wrong_size) return std::unexpected(KeyError{KeyFault::wrong_size, "the key is not of 256 bits"});
  if (!parsed) return bad_answer("no key container with one key");
  if (found.lists == 1 && found.entries == 0)
    return std::unexpected(KeyError{KeyFault::used_up, "the key server has sent an empty list of keys"});
  if (!found.id || !found.key) return bad_answer("no key with key_ID and key");
  if (*found.key == Secret<32>()) return std::unexpected(KeyError{KeyFault::zero_key, "every bit is zero"});
  if (wanted && *wanted != *found.id)
    return std::unexpected(KeyError{KeyFault::wrong_id, "the key server has sent another key than asked for"});
  return OutsideKey{*found.id, std::move(*found.key)};
}

KeyResult<KmeStatus> parse_kme_status(ByteView body) {
  KmeStatus status;
  const std::array<std::pair<std::string_view, std::string*>, 2> texts{
      {{"/master_SAE_ID", &status.master_sae}, {"/slave_SAE_ID", &status.slave_sae}}};
  const std::array<std::pair<std::string_view, uint64_t*>, 5> numbers{{{"/key_size", &status.key_size},
                                                                       {"/stored_key_count", &status.stored_key_count},
                                                                       {"/max_key_per_request", &status.max_key_per_request},
                                                                       {"/max_key_size", &status.max_key_size},
                                                                       {"/min_key_size", &status.min_key_size}}};
  size_t found = 0;
  const bool parsed = walk(body, [&](std::string_view place, const Value& value) {
    for (const auto& [name, to] : texts) {
      if (place != name) continue;
      *to = value.text.substr(0, qkd_limits::message_bytes_max);
      return value.kind == Kind::text && ++found > 0;
    }
    for (const auto& [name, to] : numbers) {
      if (place != name) continue;
      *to = value.number;
      return value.kind == Kind::number && ++found > 0;
    }
    return true;
  });
  if (!parsed || found != texts.size() + numbers.size()) return bad_answer("no status");
  return status;
}

std::string parse_kme_message(ByteView body) {
  std::string said;
  const bool parsed = walk(body, [&](std::string_view place, const Value& value) {
    if (place == "/message" && value.kind == Kind::text) said = value.text.substr(0, 4 * qkd_limits::message_bytes_max);
    return true;
  });
  if (!parsed) return {};
  std::string out, word;
  for (const char c : said + " ") {
    if (c > ' ' && c < 127) {
      word += c;
      continue;
    }
    if (word.size() > key_id_text_bytes) word = "...";
    if (!word.empty()) out += (out.empty() ? "" : " ") + word;
    word.clear();
  }
  return out.substr(0, qkd_limits::message_bytes_max);
}

std::string key_request_json() { return R"({"number":1,"size":256})"; }

std::string key_ids_json(const KeyId& id) { return R"({"key_IDs":[{"key_ID":")" + key_id_text(id) + R"("}]})"; }

}  // namespace lattice
