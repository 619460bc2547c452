// Noise vectors through the production engine, both roles.
#pragma once

#include "noise_case.hpp"
#include "report.hpp"

namespace lattice::vectors {

// What went wrong first, or nothing.
std::optional<std::string> run_noise_case(const NoiseCase& vector, const NoiseProtocol& protocol, Provider& provider);

// Every vector of a file; protocols that the engine does not know are skipped.
void run_noise_file(const Json& file, Report& report);

}  // namespace lattice::vectors
