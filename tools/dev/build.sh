# ./dev build [release|asan|tsan|fuzz], and build_preset for the other commands. Sourced by ./dev.
# The program is build/lattice; other presets build in build/<preset>/.
. "$root/tools/dev/setup.sh"

build_folder() {
  case $1 in
    release) printf '%s\n' "$root/build" ;;
    # Fuzzers need the same instrumented floors as the tests under ASan: one tree for both saves a whole build. They lie in build/fuzz.
    asan | fuzz) printf '%s\n' "$root/build/asan" ;;
    *) printf '%s\n' "$root/build/$1" ;;
  esac
}

# No folder's name is part of ccache's key: a second clone of the same commit gets the objects of the first.
use_ccache() {
  export CCACHE_DIR=${CCACHE_DIR:-$cache/ccache} CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-3G}
  export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
}

# A folder that was configured for another checkout or another OpenSSL starts anew; its objects come back from ccache.
forget_stale_configuration() {
  local folder=$1 have
  [ -f "$folder/CMakeCache.txt" ] || return 0
  have=$(sed -n -e 's/^CMAKE_HOME_DIRECTORY:[A-Z]*=//p' -e 's/^LATTICE_OPENSSL_ROOT:[A-Z]*=/|/p' "$folder/CMakeCache.txt" | sort -r | tr -d '\n')
  [ "$have" = "|$LATTICE_OPENSSL_ROOT$root" ] && return 0
  say "$folder was configured for another place; configuring anew"
  rm -rf "$folder/CMakeCache.txt" "$folder/CMakeFiles" "$folder/build.ninja"
}

configure_preset() {
  local preset=$1 folder log
  folder=$(build_folder "$preset")
  log=$folder/configure.log
  mkdir -p "$folder" || return 1
  LATTICE_OPENSSL_ROOT=$(openssl_prefix)
  export LATTICE_OPENSSL_ROOT
  forget_stale_configuration "$folder"
  if ! (cd "$root" && cmake --preset "$preset") >"$log" 2>&1; then
    tail -n 25 "$log" >&2
    die "CMake could not configure the preset $preset" "Its last words are above, all of them in $log"
  fi
}

build_locked() {
  local preset=$1 folder
  shift
  folder=$(build_folder "$preset")
  step "Building $preset in ${folder#"$root"/} ($*)"
  configure_preset "$preset"
  use_ccache
  local began=$SECONDS
  ninja -C "$folder" -j "$(job_count)" "$@" || die "the $preset build failed" "The first error is above."
  say "Built $preset in $((SECONDS - began)) s"
}

# build_preset PRESET TARGET...: set-up, configuration, build; one at a time in a tree.
build_preset() {
  local packages=("${packages_build[@]}")
  [ "$1" = release ] || packages+=("${packages_clang[@]}")
  set_up "${packages[@]}"
  with_lock "$root/dev" "builds in this tree" build_locked "$@"
}

build_command() {
  [ $# -le 1 ] || die_usage "build takes one preset, not: $*"
  case ${1:-release} in
    release) build_preset release all ;;
    asan) build_preset "$1" lattice test_programs ;;
    tsan) build_preset "$1" lattice threaded_test_programs ;;
    fuzz) build_preset fuzz fuzzers ;;
    *) die_usage "there is no preset \"$1\": release, asan, tsan, fuzz" ;;
  esac
}

if [ "$command" = build ]; then build_command "$@"; fi
