# ./dev bench: the program's own measurements; its arguments are those of `lattice bench`. Sourced by ./dev.
. "$root/tools/dev/build.sh"

build_preset release lattice
mkdir -p "$root/build/bench"
cd "$root" && exec build/lattice bench --folder build/bench --json build/bench/figures.json \
  --commit "$(git -C "$root" rev-parse --short HEAD 2>/dev/null || printf unknown)" "$@"
