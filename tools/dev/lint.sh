# ./dev lint [--fix] [--seconds N]: tools/lint, clang-format-19, clang-tidy-19. Sourced by ./dev.
# --fix formats instead of complaining. --seconds bounds the time for clang-tidy; files that it did not reach are named.
. "$root/tools/dev/build.sh"

fix=
seconds=()
while [ $# -gt 0 ]; do
  case $1 in
    --fix) fix=1; shift ;;
    --seconds)
      case "${2:-}" in '' | *[!0-9]*) die_usage "--seconds takes a number of seconds" ;; esac
      seconds=(--seconds "$2"); shift 2 ;;
    *) die_usage "lint knows --fix and --seconds N, not \"$1\"" ;;
  esac
done

cpp_files() {
  tree_files | grep -z -E '\.(cpp|hpp)$' | sort -z -u | (cd "$root" && while IFS= read -r -d '' name; do [ -f "$name" ] && printf '%s\0' "$name"; done)
}

format_files() {
  local names
  if [ -n "$fix" ]; then
    cpp_files | (cd "$root" && xargs -0 -r clang-format-19 -i)
    return
  fi
  names=$(cpp_files | (cd "$root" && xargs -0 -r clang-format-19 --dry-run -Werror --ferror-limit=1 2>&1) |
    sed -n 's/:.*code should be clang-formatted.*/: is not formatted/p' | sort -u)
  [ -z "$names" ] && return
  say "$names"
  say "./dev lint --fix formats them"
  return 1
}

configure_lint() {
  configure_preset lint
}

good=0
bad=0
# check WHAT COMMAND...: each counts as a test.
check() {
  local what=$1
  shift
  step "$what"
  if "$@"; then good=$((good + 1)); else bad=$((bad + 1)); say "$what: failed"; fi
}

set_up "${packages_build[@]}" "${packages_clang[@]}"
check "tools/lint, its own test" python "$root/tools/lint" --self-test
check "Floors, forbidden calls (tools/lint)" python "$root/tools/lint"
check "Format (clang-format-19)" format_files
with_lock "$root/dev" "builds in this tree" configure_lint
check "Bugs (clang-tidy-19)" python "$root/tools/dev/tidy.py" --build "$root/build/lint" --jobs "$(job_count)" "${seconds[@]}"

if [ -n "${LATTICE_TOTALS:-}" ]; then
  printf '%s %s 0\n' "$good" "$bad" >>"$LATTICE_TOTALS"
  printf '\nlint: %s good, %s bad\n' "$good" "$bad"
else
  printf '\n%s passed, %s failed, 0 skipped\n' "$good" "$bad"
fi
[ "$bad" -eq 0 ]
