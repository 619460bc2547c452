# ./dev demo: set-up, the program alone, then the main job on this machine (tools/demo). Sourced by ./dev.
. "$root/tools/dev/build.sh"

[ $# -eq 0 ] || [ "$1" != --help ] || become_python "$root/tools/demo/demo.py" --help
set_up "${packages_build[@]}" "${packages_demo[@]}"
build_preset release lattice
become_python "$root/tools/demo/demo.py" --program "$root/build/lattice" --work "$root/build/demo" "$@"
