#!/bin/sh
# Runs the runtime's tests and a benchmark as on a small device: one core, 256 MB of data for each
# process, no network but 127.0.0.1, a home folder and a cache that cannot be written.
# usage: run.sh PYTHON [pytest options]    (used by `make test-constrained`)
# Each test file is a process of its own, as pytest and its plugins grow with every test.
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
# A thread's stack counts whole against the limit though little of it is ever touched.
ulimit -s 1024
ulimit -d $((256 * 1024))
# Not writable for root either: below /proc nothing can be made.
export HOME=/proc/nowhere XDG_CACHE_HOME=/proc/nowhere TMPDIR="$box"
echo "constrained: one core, 256 MB of data a process, network: $network, home not writable"
cd "$box"
failed=
for file in $(find "$root/tests/runtime" -name "test_*.py" | sort); do
    printf '%s: ' "${file#"$root/tests/runtime/"}"
    in_box timeout 300 "$python" -m pytest -q -p no:cacheprovider -o faulthandler_timeout=120 \
        --rootdir "$root" -c "$root/pyproject.toml" "$file" "$@" >"$box/log" 2>&1 \
        || { cat "$box/log"; failed="$failed ${file#"$root/tests/runtime/"}"; }
    tail -n 1 "$box/log"
done
in_box "$python" "$here/bench.py" || failed="$failed bench.py"
[ -z "$failed" ] || { echo "failed in the box:$failed"; exit 1; }
