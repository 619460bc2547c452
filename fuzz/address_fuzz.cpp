// Addresses come from chain specs, command lines and DNS: whatever parses must write itself and parse again to the same.
#include <lattice/base/address.hpp>
#include <lattice/base/assert.hpp>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = lattice::as_text({data, size});
  if (const auto ip = lattice::IpAddress::parse(text)) ASSERT(lattice::IpAddress::parse(ip->text()) == ip);
  if (const auto endpoint = lattice::Endpoint::parse(text)) ASSERT(lattice::Endpoint::parse(endpoint->text()) == endpoint);
  return 0;
}
