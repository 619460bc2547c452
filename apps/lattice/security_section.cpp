#include "security_section.hpp"

#include <algorithm>
#include <charconv>

namespace lattice::app {

static constexpr uint64_t retirement_height_max = uint64_t{1} << 62;

static Suite read_suite(const toml::node& node) {
  const auto text = node.value_exact<std::string>().value_or("");
  uint16_t id = 0;
  const bool hex = text.size() == 6 && text.starts_with("0x");
  const auto [end, error] = hex ? std::from_chars(text.data() + 2, text.data() + 6, id, 16)
                                : std::from_chars_result{text.data(), std::errc::invalid_argument};
  const SuiteTraits* traits = error == std::errc{} && end == text.data() + 6 ? find_suite(id) : nullptr;
  if (traits == nullptr) {
    refuse(node, "a suite is one of \"0x0001\", \"0x0002\", \"0x0011\", \"0x0021\", \"0x0101\" (docs/PROTOCOL.md, Suites)");
  }
  return traits->suite;
}

static void read_retirements(const toml::node* node, SecurityPolicy& policy) {
  const auto* array = array_of(node, "[[security.retire]]", limits::offers_max);
  if (!array) return;
  for (const auto& entry : *array) {
    const auto* table = entry.as_table();
    if (!table) refuse(entry, "a retirement is a table: [[security.retire]] with suite and height");
    const Section section(*table, "[[security.retire]]", {"suite", "height"});
    const Suite suite = read_suite(section.need("suite"));
    if (std::ranges::count(policy.suites, suite) == 0)
      refuse(section.need("suite"), "this suite is not among [security] suites");
    if (std::ranges::find(policy.retired, suite, &SuiteRetirement::suite) != policy.retired.end()) {
      refuse(section.need("suite"), "this suite is retired twice");
    }
    policy.retired.push_back({suite, section.number("height", 1, retirement_height_max)});
  }
}

SecurityPolicy read_security(const toml::table& table) {
  const Section section(table, "[security]", {"suites", "retire"});
  SecurityPolicy policy;
  if (const auto* array = array_of(section.find("suites"), "[security] suites", limits::offers_max)) {
    policy.suites.clear();
    for (const auto& node : *array) {
      const Suite suite = read_suite(node);
      if (std::ranges::count(policy.suites, suite) != 0) refuse(node, "this suite stands here twice");
      policy.suites.push_back(suite);
    }
    if (policy.suites.empty()) refuse(*array, "[security] suites must name one at least");
  }
  read_retirements(section.find("retire"), policy);
  if (policy.retired.size() == policy.suites.size()) {
    refuse(*section.find("retire"), "one suite at least must stay: else no node could connect from that height on");
  }
  return policy;
}

}  // namespace lattice::app
