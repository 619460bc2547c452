#include "program.hpp"

int main(int argc, char** argv) { return lattice::app::run_program(argc, argv); }
