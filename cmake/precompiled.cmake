# The standard library's large headers, parsed once for all floors and once for all tests: a third of a build's time. No file relies
# on it: each includes what it uses, and ./dev lint reads the files without it.
set(lattice_pch_headers <algorithm> <array> <chrono> <deque> <expected> <functional> <map> <memory> <optional> <span> <string>
  <string_view> <variant> <vector>)

function(lattice_pch_library name options)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/${name}.cpp CONTENT "")
  add_library(${name} OBJECT ${PROJECT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE ${options})
  target_precompile_headers(${name} PRIVATE ${ARGN})
endfunction()

lattice_pch_library(lattice_pch lattice_options ${lattice_pch_headers})
lattice_pch_library(lattice_test_pch lattice_common_options ${lattice_pch_headers} <gtest/gtest.h>)
target_link_libraries(lattice_test_pch PRIVATE GTest::gtest)
