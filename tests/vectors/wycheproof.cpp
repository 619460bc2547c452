// wycheproof FILE...: Wycheproof's JSON vectors through crypto/.
#include "wycheproof_runner.hpp"

int main(int argc, char** argv) {
  return lattice::vectors::run_files({argv, static_cast<size_t>(argc)}, lattice::vectors::run_wycheproof_file);
}
