// Programs of operations on links of both roles (fuzz/roles/link_roles.hpp), with modelled cryptography: it has the sizes and the
// failures of the real one, and a hundredth of its price.
#include "roles/link_roles.hpp"

using namespace lattice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static roles::LinkRoles roles(roles::Cryptography::modelled);
  roles::run_or_abort(roles, {data, size});
  return 0;
}
