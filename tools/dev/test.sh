# ./dev test [--sanitizers] [FILTER]: set-up, build, and every test, summed up in one line. Sourced by ./dev.
. "$root/tools/dev/build.sh"

sanitizers=
filter=()
for argument in "$@"; do
  case $argument in
    --sanitizers) sanitizers=1 ;;
    -*) die_usage "test knows --sanitizers, not \"$argument\"" ;;
    *) [ ${#filter[@]} -eq 0 ] || die_usage "test takes one filter, not: ${filter[*]} $argument"
       filter=("$argument") ;;
  esac
done

test_release() {
  set_up "${packages_build[@]}" "${packages_test[@]}"
  build_preset release all
  become_python "$root/tools/dev/run_tests.py" --title release --build "$root/build" --net "${filter[@]}"
}

# Unit, vector and simulator tests, under TSan those of parts with threads; what a sanitizer finds ends the program, and so counts as a failure.
test_sanitizers() {
  local supp=$root/tools/sanitizers totals passed failed skipped sums
  set_up "${packages_build[@]}" "${packages_clang[@]}" "${packages_test[@]}"
  export ASAN_OPTIONS="detect_stack_use_after_return=1:check_initialization_order=1"
  export LSAN_OPTIONS="suppressions=$supp/lsan.supp:print_suppressions=0"
  export UBSAN_OPTIONS=print_stacktrace=1
  export TSAN_OPTIONS="suppressions=$supp/tsan.supp:history_size=4:second_deadlock_stack=1"
  ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer-19) && export ASAN_SYMBOLIZER_PATH TSAN_SYMBOLIZER_PATH=$ASAN_SYMBOLIZER_PATH
  totals=${LATTICE_TOTALS:-$(mktemp)}
  local result=0 preset programs=test_programs
  for preset in asan tsan; do
    [ "$preset" = asan ] || programs=threaded_test_programs
    build_preset "$preset" lattice "$programs"
    LATTICE_TOTALS=$totals run_python "$root/tools/dev/run_tests.py" --title "$preset" --build "$root/build/$preset" --time-scale 2 \
      "${filter[@]}" || result=1
  done
  # GCC's build beside Clang's two: one seed, one trace.
  if [ ${#filter[@]} -eq 0 ] || [[ same_trace_test == *"${filter[0]}"* ]]; then
    build_preset release lattice
    LATTICE_TOTALS=$totals run_python "$root/tools/dev/run_tests.py" --title "same trace" --build "$root/build" \
      --net-only same_trace_test.py "${filter[@]}" || result=1
  fi
  if [ -z "${LATTICE_TOTALS:-}" ]; then
    sums=$(awk '{ p += $1; f += $2; s += $3 } END { print p+0, f+0, s+0 }' "$totals")
    rm -f "$totals"
    read -r passed failed skipped <<<"$sums"
    printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
  fi
  return $result
}

if [ -n "$sanitizers" ]; then test_sanitizers; else test_release; fi
