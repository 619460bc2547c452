# ./dev clean [--cache]: removes what was built. Packages stay: others may use them. Sourced by ./dev.

remove_build() {
  rm -rf "$root/build"
  say "Removed build/"
}

case "${1:-}" in
  '') with_lock "$root/dev" "builds in this tree" remove_build ;;
  --cache)
    with_lock "$root/dev" "builds in this tree" remove_build
    rm -rf "$cache"
    say "Removed $cache; the next build makes OpenSSL anew" ;;
  *) die_usage "clean takes nothing or --cache, not \"$1\"" ;;
esac
