# Installs what is missing: Debian packages, and OpenSSL 3.5 where the system's is older. Sourced by the commands that need it.
# It says what it installs before it does, and changes nothing else outside the tree but the dependency cache. Where nothing is
# missing it asks nothing of the network.

packages_build=(
  g++ cmake ninja-build ccache pkg-config perl make dpkg-dev ca-certificates
  libboost1.81-dev libc-ares-dev librocksdb-dev libtomlplusplus-dev nlohmann-json3-dev
  libcli11-dev libspdlog-dev libfmt-dev libgtest-dev libgmock-dev libbenchmark-dev
)
packages_demo=(knot knot-dnsutils python3)
packages_test=(knot knot-dnsutils python3 strace)
packages_clang=(clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev lld-19 llvm-19 python3)

missing_packages() {
  local name installed
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null)
  for name in "$@"; do
    grep -qx "installed $name" <<<"$installed" || printf '%s\n' "$name"
  done | sort -u
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Runs a command into a log; its last words where it failed.
logged() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 </dev/null && return 0
  tail -n 15 "$log" >&2
  return 1
}

apt_install() {
  as_root apt-get update -q &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "this machine has no apt-get, and these packages are missing: ${missing[*]}" \
    "Install them by the means of your system, then run the command again."
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
    die "installing packages needs root, and there is no sudo" "Run as root: apt-get install ${missing[*]}"
  step "Installing Debian packages: ${missing[*]}"
  logged "$cache/apt.log" apt_install "${missing[@]}" || die "apt-get could not install: ${missing[*]}" \
    "Its last words are above, all of them in $cache/apt.log; is a Debian mirror within reach?"
  # A package may start its service on install; Lattice starts its own Knot, and leaves no daemon behind.
  case " ${missing[*]} " in
    *' knot '*)
      if [ -d /run/systemd/system ]; then
        say "Stopping the service that the package knot has started"
        as_root systemctl disable --now knot >/dev/null 2>&1 || true
      fi ;;
  esac
}

# The system's OpenSSL will do: it is installed, or Debian has it as a package.
system_openssl() {
  version_at_least "$(pkg-config --modversion libcrypto 2>/dev/null || printf 0)" "$openssl_least"
}
packaged_openssl() {
  local candidate
  candidate=$(LC_ALL=C apt-cache policy libssl-dev 2>/dev/null | sed -n 's/^ *Candidate: *//p')
  case $candidate in [0-9]*) version_at_least "${candidate%%-*}" "$openssl_least" ;; *) false ;; esac
}

# Where the OpenSSL to build with is: empty for the system's, else the folder of our own build.
openssl_prefix() {
  system_openssl || printf '%s\n' "$cache/openssl"
}

openssl_built() {
  [ -f "$1/lib/libcrypto.a" ] && [ -f "$1/lib/pkgconfig/libcrypto.pc" ] &&
    version_at_least "$(sed -n 's/^Version: *//p' "$1/lib/pkgconfig/libcrypto.pc")" "$openssl_least"
}

# The archive's address is the machine's own: no host is written down here.
debian_archive() {
  # shellcheck disable=SC2016  # apt's own placeholders
  apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 2>/dev/null | sed -n 's/^Debian|//p' | head -n 1
}

fetch_openssl() {
  local work=$1 options
  options=(-o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::Lists=$work/lists"
           -o "Dir::Cache=$work/cache")
  [ "$(id -u)" = 0 ] && options+=(-o APT::Sandbox::User=root)
  apt-get "${options[@]}" update && cd "$work/src" && apt-get "${options[@]}" source --only-source openssl
}

compile_openssl() {
  local tree=$1 prefix=$2 staged=$3
  cd "$tree" && ./Configure no-shared no-docs no-tests no-legacy -fPIC --prefix="$prefix" --libdir=lib &&
    make -j "$(job_count)" && make DESTDIR="$staged" install_sw
}

# Builds OpenSSL >= 3.5 from Debian 13's signed source package into the cache, once. apt's lists and sources stay as they are.
ensure_openssl() {
  system_openssl && return 0
  local prefix=$cache/openssl archive tree work=$cache/openssl-work
  openssl_built "$prefix" && return 0
  if packaged_openssl; then
    install_packages libssl-dev
    system_openssl && return 0
  fi
  command -v apt-get >/dev/null || die "this machine has neither OpenSSL >= $openssl_least nor apt-get to fetch its source with" \
    "Install OpenSSL $openssl_least or later with its headers, then run the command again."
  archive=$(debian_archive)
  if [ -z "$archive" ]; then
    step "Asking apt for its package lists (to learn where Debian's archive is)"
    logged "$cache/apt.log" as_root apt-get update -q || true
    archive=$(debian_archive)
  fi
  [ -n "$archive" ] || die "no Debian archive is configured on this machine" \
    "Lattice needs OpenSSL >= $openssl_least; install it, or configure a Debian archive for apt."
  step "Building OpenSSL >= $openssl_least from Debian 13's source package into $prefix (three minutes, once)"
  rm -rf "$work"
  mkdir -p "$work"/{lists/partial,cache/archives/partial,src} || die "$work cannot be made"
  printf 'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' "$archive" >"$work/sources.list"
  (logged "$work/fetch.log" fetch_openssl "$work") || die "OpenSSL's source package could not be fetched" \
    "The archive's address comes from apt's own configuration; is it within reach? All its words: $work/fetch.log"
  tree=$(find "$work/src" -maxdepth 1 -type d -name 'openssl-*' | head -n 1)
  [ -n "$tree" ] || die "OpenSSL's source package holds no source tree" "See $work/fetch.log"
  # The install is staged, then moved into place whole: a build that was cut short never counts as built.
  (logged "$work/build.log" compile_openssl "$tree" "$prefix" "$work/out") || die "OpenSSL did not build" "All its words: $work/build.log"
  rm -rf "$prefix"
  mv "$work/out$prefix" "$prefix"
  openssl_built "$prefix" || die "the OpenSSL that was built is older than $openssl_least" "Debian 13's source package should be 3.5 or later."
  rm -rf "$work"
}

install_all() {
  install_packages "$@"
  ensure_openssl
}

# set_up PACKAGE...: one at a time on this machine, for other checkouts share the cache.
set_up() {
  mkdir -p "$cache" || die "the dependency cache $cache cannot be made" "Name another folder in XDG_CACHE_HOME."
  with_lock "$cache" "installs" install_all "$@"
}
