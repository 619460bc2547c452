// The child of a LinkMesh.
#pragma once

#include <bench/link_mesh.hpp>

namespace lattice::bench {

// Takes connections of this listening socket and serves them until told to stop; never returns.
[[noreturn]] void run_far_end(int listener, FarEnd& shared, Provider& provider, std::shared_ptr<const Identity> identity);

}  // namespace lattice::bench
