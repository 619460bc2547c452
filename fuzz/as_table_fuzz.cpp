// Any text as a table of AS numbers: refused, or the addresses at the ends of its prefixes have an answer.
#include <lattice/base/assert.hpp>
#include <lattice/peers/as_table.hpp>

using namespace lattice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto table = AsTable::parse(text);
  if (!table) {
    ASSERT(table.error().error.code != ErrorCode::none);
    return 0;
  }
  ASSERT(table->ranges() <= 2 * table->prefixes());
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    if (line.empty() || line.front() == '#') continue;
    const auto first = IpAddress::parse(line.substr(0, line.find('/')));
    ASSERT(first);
    const auto info = table->find(*first);
    ASSERT(info && info->asn != 0 && (!info->region || *info->region < region_count));
  }
  return 0;
}
