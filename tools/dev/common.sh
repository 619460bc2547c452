# Shared by every command of ./dev: where things are, how we speak, how we stop.
# Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
cache=${LATTICE_CACHE:-${XDG_CACHE_HOME:-$home/.cache}/lattice}
openssl_least=3.5.0

say()  { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }

# One clear sentence and the way out, on standard error.
die() {
  printf 'dev: %s\n' "$1" >&2
  [ -n "${2:-}" ] && printf '     %s\n' "$2" >&2
  exit 1
}
# The same for a wrong call.
die_usage() {
  printf 'dev: %s\n     ./dev lists the commands.\n' "$1" >&2
  exit 2
}

# version_at_least HAVE LEAST
version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# How many compilers at once: one a core, and two gigabytes of memory for each.
job_count() {
  local cores memory_kb limit jobs
  cores=$(nproc)
  memory_kb=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null)
  case $limit in
    '' | *[!0-9]*) ;;
    *) [ $((limit / 1024)) -lt "$memory_kb" ] && memory_kb=$((limit / 1024)) ;;
  esac
  jobs=$((memory_kb / (2 * 1024 * 1024)))
  [ "$jobs" -lt 1 ] && jobs=1
  [ "$jobs" -gt "$cores" ] && jobs=$cores
  printf '%s\n' "$jobs"
}

# with_lock FILE WHAT COMMAND...: one at a time. The lock is on an existing file or folder and leaves nothing behind; it ends with
# us, however we end.
with_lock() {
  local file=$1 what=$2 lock result
  shift 2
  exec {lock}<"$file"
  if ! flock -n "$lock"; then
    say "Waiting for another ./dev that $what"
    flock "$lock"
  fi
  "$@"
  result=$?
  exec {lock}<&-
  return $result
}

# Debian's own Python where it is there: the one that setup.sh installs.
python_program() {
  if [ -x /usr/bin/python3 ]; then printf '/usr/bin/python3\n'; else command -v python3; fi
}
python() { "$(python_program)" -B "$@"; }

# become_python SCRIPT...: signals reach it, not a shell that waits for it.
become_python() {
  exec "$(python_program)" -B "$@"
}
# run_python SCRIPT...: the same where there is more to do afterwards.
run_python() {
  local child code
  "$(python_program)" -B "$@" </dev/null &
  child=$!
  trap 'kill -TERM "$child" 2>/dev/null' TERM HUP
  wait "$child"
  code=$?
  if kill -0 "$child" 2>/dev/null; then  # a signal ended the waiting, not the child
    wait "$child"
    exit "$code"
  fi
  trap - TERM HUP
  return "$code"
}

# Files of the tree as git sees them (new ones too), else as they lie there.
tree_files() {
  git -C "$root" ls-files -z --cached --others --exclude-standard 2>/dev/null ||
    (cd "$root" && find . -path ./build -prune -o -path ./.git -prune -o -type f -printf '%P\0')
}
