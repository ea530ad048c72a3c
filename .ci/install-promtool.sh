#!/bin/sh
# Puts promtool on this machine, which the tests of the alert rules run: unpacked from the distribution's package of
# Prometheus, without installing that. Quick when it is there already, also when it is in PATH.
#
# If no source of apt has the package, it says so and exits 0, and the tests are skipped.
#
# Needs Debian and root. Environment:
#   POLLARD_E2E=off       says that it is missing and exits 0 (its tests are then skipped)
#   POLLARD_ENGINES_DIR   where it goes, beside the unpacked engines (default: .engines at the repository's root)
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
folder=${POLLARD_ENGINES_DIR:-$root/.engines}/prometheus

say() { printf 'promtool: %s\n' "$*"; }
fail() {
  printf 'promtool: %s\n' "$1" >&2
  printf '          To leave its tests out on purpose, set POLLARD_E2E=off.\n' >&2
  exit 1
}

for promtool in "$(command -v promtool || true)" "$folder/promtool"; do
  if [ -x "$promtool" ] && version=$("$promtool" --version 2>&1); then
    say "$(printf '%s\n' "$version" | sed -n '1s/^promtool, version \([^ ]*\).*/\1/p') ($promtool)"
    exit 0
  fi
done
if [ "${POLLARD_E2E:-}" = off ]; then
  say 'POLLARD_E2E=off: not installed, the tests that run it will be SKIPPED'
  exit 0
fi
command -v apt-get >/dev/null || fail 'no apt-get: it comes in a Debian package'

mkdir -p "$folder"
rm -f "$folder/unavailable"
# One at a time: two runs that unpack into the same folder would spoil each other's work.
exec 9>"$folder/.lock"
flock 9
package=$folder/package
rm -rf "$package"
mkdir "$package"
# apt downloads as the user _apt, who must be able to write there.
if id _apt >/dev/null 2>&1; then chown _apt "$package"; fi
say 'downloading the package prometheus'
download() { (cd "$package" && apt-get -qq -o Acquire::Retries=3 download prometheus); }
# Most images have no package lists.
if ! download 2>/dev/null && ! { apt-get -qq update && download; }; then
  # What cannot be had is no reason to fail; the tests are reported as skipped.
  rm -rf "$package"
  : >"$folder/unavailable"
  say 'the sources of apt do not have the package prometheus: the tests that run promtool will be SKIPPED'
  exit 0
fi
dpkg-deb -x "$package"/prometheus_*.deb "$package/unpacked"
mv "$package/unpacked/usr/bin/promtool" "$folder/promtool"
rm -rf "$package"
"$folder/promtool" --version >/dev/null 2>&1 || fail "$folder/promtool does not run on this machine"
say "installed ($folder/promtool)"
