// Where this test's neighbours lie, told by the test program's own place: no path of a machine is compiled in.
#pragma once

#include <filesystem>
#include <string>

namespace lattice::app {

inline std::filesystem::path own_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

// build/lattice, beside build/tests/unit_app.
inline std::string program_file() { return (own_folder().parent_path() / "lattice").string(); }

// Empty where the tree is neither around the current folder nor around the build.
inline std::filesystem::path scenario_folder() {
  for (auto folder : {std::filesystem::current_path(), own_folder()}) {
    for (; folder != folder.root_path(); folder = folder.parent_path())
      if (std::filesystem::is_directory(folder / "examples" / "scenarios")) return folder / "examples" / "scenarios";
  }
  return {};
}

}  // namespace lattice::app
