#!/bin/sh
# Runs the runtime's tests and a benchmark as on a small device: one core, 256 MB of data for each
# process, no network but 127.0.0.1, a home folder and a cache that cannot be written.
# usage: run.sh PYTHON [pytest options]    (used by `make test-constrained`)
set -eu
python=$1; shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
trap 'exit 130' INT TERM

network="as it is (needs unshare and ip)"
in_box() { taskset -c 0 "$@"; }
if unshare --net ip link set lo up 2>/dev/null; then
    network="127.0.0.1 only"
    in_box() { taskset -c 0 unshare --net sh -c 'ip link set lo up; exec "$@"' sh "$@"; }
fi
ulimit -d $((256 * 1024))
# Not writable for root either: below /proc nothing can be made.
export HOME=/proc/nowhere XDG_CACHE_HOME=/proc/nowhere TMPDIR="$box"
echo "constrained: one core, 256 MB of data a process, network: $network, home not writable"
cd "$box"
in_box "$python" -m pytest -q -p no:cacheprovider --rootdir "$root" -c "$root/pyproject.toml" \
    "$root/tests/runtime" "$@"
in_box "$python" "$here/bench.py"
