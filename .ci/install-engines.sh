#!/bin/sh
# Puts the real Docker Engines of the end-to-end tests on this machine: the distribution's own by apt-get, and
# those of Debian's newer suites unpacked beside it, without installing them. Quick when all is there already.
#
# Needs Debian and root. Environment:
#   POLLARD_E2E=off           no engines wanted: says so and exits 0 (the end-to-end tests are then skipped)
#   POLLARD_ENGINES_DIR       where the unpacked engines go (default: .engines at the repository's root)
#   POLLARD_ENGINES_REFRESH=1 looks for newer packages even if an engine is there
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
engines=${POLLARD_ENGINES_DIR:-$root/.engines}
newer_suites='trixie sid'
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf 'engines: %s\n' "$*"; }
fail() {
  printf 'engines: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '         %s\n' "$line" >&2; done
  printf '         To leave the end-to-end tests out on purpose, set POLLARD_E2E=off.\n' >&2
  exit 1
}

if [ "${POLLARD_E2E:-}" = off ]; then
  say 'POLLARD_E2E=off: no Docker Engine is installed, the end-to-end tests will be SKIPPED'
  exit 0
fi
[ "$(uname -s)" = Linux ] || fail "this is $(uname -s); a Docker Engine runs on Linux only"
[ "$(id -u)" = 0 ] || fail 'not root: installing and starting a Docker Engine needs root' 'Run it again as root.'
command -v apt-get >/dev/null || fail 'no apt-get: the engines come as Debian packages' 'Use a Debian machine.'

# --- the distribution's engine -------------------------------------------------------------------------------

missing=''
for program in dockerd containerd runc; do
  command -v "$program" >/dev/null || missing=docker.io
done
[ -x /bin/busybox ] || missing="$missing busybox-static"
command -v iptables >/dev/null || missing="$missing iptables"
# The journal of the tests of the driver journald; it needs no systemd that runs.
[ -x /lib/systemd/systemd-journald ] || missing="$missing systemd"
[ -r "$keyring" ] || missing="$missing debian-archive-keyring"

if [ -n "$missing" ]; then
  say "installing: $missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 # a list of package names
  { apt-get -qq update && apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends install $missing; } ||
    fail "apt-get could not install: $missing" \
      "See its message above; then try: apt-get update && apt-get install $missing"
fi

version_of() { # the version that a dockerd says of itself; fails if it does not run on this machine
  "$1" --version 2>&1 | sed -n 's/^Docker version \([^,]*\),.*/\1/p' | grep .
}

dockerd=$(command -v dockerd) || fail 'docker.io is installed, but dockerd is not in PATH' "PATH is $PATH"
version=$(version_of "$dockerd") || fail "$dockerd does not run" "Try: $dockerd --version"
say "distribution: Engine $version ($dockerd)"

# --- the newer suites' engines -------------------------------------------------------------------------------

is_there() { # suite
  [ -f "$engines/$1/complete" ] && version_of "$engines/$1/usr/sbin/dockerd" >/dev/null &&
    "$engines/$1/usr/bin/containerd" --version >/dev/null 2>&1
}

# Where this machine gets Debian from, as apt itself reads its sources (.list and .sources). Without
# --no-release-info it prints nothing on a machine whose package lists were deleted, as in most images.
mirror_of_this_machine() {
  # shellcheck disable=SC1091 # every Debian has it
  codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  for release in "$codename" stable testing unstable ''; do
    # shellcheck disable=SC2016 # placeholders of apt
    apt-get indextargets --no-release-info --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
      awk -v release="$release" '$2 == "main" && $3 !~ /security/ && (release == "" || $1 == release) { print $3; exit }'
  done | sed -n 1p
}

wanted=''
for suite in $newer_suites; do
  if [ -z "${POLLARD_ENGINES_REFRESH:-}" ] && is_there "$suite"; then continue; fi
  wanted="$wanted $suite"
done

if [ -n "$wanted" ]; then
  mkdir -p "$engines"
  # One at a time: two runs that unpack into the same folder would spoil each other's work.
  exec 9>"$engines/.lock"
  flock 9

  mirror=$(mirror_of_this_machine)
  [ -n "$mirror" ] || fail 'no Debian mirror found in the sources of apt' \
    'Look at: apt-get indextargets --no-release-info (a Debian suite with the component "main" is needed)'

  # An apt of its own: sources, lists, cache and state apart from the machine's, so that no package of a newer
  # suite can ever get installed. Proxy and other settings of the machine stay in force.
  apt=$engines/.apt
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/packages"
  : >"$apt/status"
  : >"$apt/sources.sources"
  for suite in $wanted; do
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' \
      "$mirror" "$suite" "$keyring" >>"$apt/sources.sources"
  done
  # apt downloads as the user _apt, who must be able to write there.
  if id _apt >/dev/null 2>&1; then chown _apt "$apt/packages"; fi
  own_apt() {
    program=$1
    shift
    "$program" -q -o "Dir::Etc::sourcelist=$apt/sources.sources" -o Dir::Etc::sourceparts=/dev/null \
      -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
      -o "Dir::State::lists=$apt/lists" -o "Dir::State::status=$apt/status" \
      -o "Dir::Cache=$apt/cache" -o Acquire::Languages=none \
      -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
      -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
      -o Acquire::Retries=3 "$@"
  }

  say "reading the package lists of$wanted"
  # apt-get update warns and exits 0 when a list cannot be had; with this, it fails.
  own_apt apt-get -o APT::Update::Error-Mode=any update ||
    fail "the package lists of$wanted cannot be had from this machine's mirror" \
      'See the message of apt above. A mirror that lacks these suites cannot serve: name one that has them in' \
      "apt's sources. If a signature is refused: apt-get update && apt-get install debian-archive-keyring"

  for suite in $wanted; do
    say "downloading docker.io and containerd of $suite"
    rm -rf "$apt/packages"/*.deb "$engines/$suite.new"
    (cd "$apt/packages" && own_apt apt-get download "docker.io/$suite" "containerd/$suite") ||
      fail "the packages docker.io and containerd of $suite cannot be had" 'See the message of apt above.'
    mkdir -p "$engines/$suite.new"
    for package in "$apt/packages"/*.deb; do
      dpkg-deb -x "$package" "$engines/$suite.new"
    done
    # A runc of a newer suite wants a newer libc than this machine's; the distribution's serves all engines.
    find "$engines/$suite.new" -name runc -type f -delete
    # Kept out of PATH lookups and of the disk: nothing of it is used.
    rm -rf "$engines/$suite.new/usr/share" "$engines/$suite.new/usr/libexec" "$engines/$suite.new/etc" \
      "$apt/packages"/*.deb
    touch "$engines/$suite.new/complete"
    rm -rf "${engines:?}/$suite"
    mv "$engines/$suite.new" "$engines/$suite"
    is_there "$suite" ||
      fail "the Docker Engine of $suite does not run on this machine" \
        "Try: $engines/$suite/usr/sbin/dockerd --version" \
        'If it wants a newer libc, run the tests on a newer Debian.'
  done
  rm -rf "$apt"
fi

for suite in $newer_suites; do
  say "$suite: Engine $(version_of "$engines/$suite/usr/sbin/dockerd") ($engines/$suite)"
done
