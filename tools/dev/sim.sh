# ./dev sim: the same node in the simulator; its arguments are those of `lattice sim`. Sourced by ./dev.
. "$root/tools/dev/build.sh"

build_preset release lattice
exec "$root/build/lattice" sim "$@"
