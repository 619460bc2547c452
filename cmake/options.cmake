# Compiler flags for everything in the tree: warnings are errors, sanitizers on request.
# lattice_common_options: for all, and all that tests need; lattice_options: for what is not a test.

# ccache where it is there; ./dev installs it and says where it keeps its objects.
find_program(LATTICE_CCACHE ccache)
if(LATTICE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LATTICE_CCACHE})
endif()

add_library(lattice_common_options INTERFACE)
target_compile_options(lattice_common_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  -Wno-missing-field-initializers  # designated initialisers leave members at their defaults on purpose
  -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside libstdc++'s own vector and variant at -O2 (PR 105329, PR 105562).
  target_compile_options(lattice_common_options INTERFACE
    -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-restrict -Wno-maybe-uninitialized -Wno-nonnull)
endif()
if(LATTICE_SANITIZE)
  target_compile_options(lattice_common_options INTERFACE -fsanitize=${LATTICE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(lattice_common_options INTERFACE -fsanitize=${LATTICE_SANITIZE})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's own stable_sort calls its deprecated get_temporary_buffer; GCC still warns of deprecated calls of ours.
  target_compile_options(lattice_common_options INTERFACE -Wno-deprecated-declarations)
  target_link_options(lattice_common_options INTERFACE -fuse-ld=lld)
endif()

add_library(lattice_options INTERFACE)
target_link_libraries(lattice_options INTERFACE lattice_common_options)
if(LATTICE_SANITIZE AND LATTICE_FUZZ)
  target_compile_options(lattice_options INTERFACE -fsanitize=fuzzer-no-link)  # counts for the fuzzers
endif()
