# ./dev fuzz [TARGET] [--seconds N]: builds the fuzzers (Clang 19, libFuzzer, ASan, UBSan) and runs each. Sourced by ./dev.
. "$root/tools/dev/build.sh"

arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds)
      case "${2:-}" in '' | *[!0-9]*) die_usage "--seconds takes a number of seconds for each target" ;; esac
      arguments+=(--seconds "$2")
      shift 2 ;;
    -*) die_usage "fuzz knows --seconds N, not \"$1\"" ;;
    *) arguments+=("$1"); shift ;;
  esac
done

set_up "${packages_build[@]}" "${packages_clang[@]}"
build_preset fuzz fuzzers
ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer-19) && export ASAN_SYMBOLIZER_PATH
become_python "$root/tools/dev/run_fuzz.py" --build "$root/build/fuzz" --jobs "$(job_count)" "${arguments[@]}"
