// noise_vectors FILE...: Noise vectors (cacophony's, the hfs and the libp2p XXhfs format) through the engine that links use.
#include "noise_runner.hpp"

int main(int argc, char** argv) {
  return lattice::vectors::run_files({argv, static_cast<size_t>(argc)}, lattice::vectors::run_noise_file);
}
