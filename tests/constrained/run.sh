#!/bin/sh
# Runs the runtime's tests and a benchmark as on a small device: one core, 256 MB, no network,
# a home folder and a cache that cannot be written.
# usage: run.sh PYTHON [pytest arguments]    (used by `make test-constrained`)
#
# Memory: a cgroup where one can be made (root), else a limit on the data segment of each process,
# which also counts what is only reserved. Offline: a network namespace where one can be made.
set -eu
python=$1; shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
box=$(mktemp -d)
group=
finish() {
    cd /
    if [ -n "$group" ]; then
        # Processes that outlive us would keep the group; there are none of ours by now.
        echo $$ > "$(dirname "$group")/$(basename "$procs")" 2>/dev/null || true
        rmdir "$group" 2>/dev/null || true
    fi
    rm -rf "$box"
}
trap finish EXIT

limit=$((256 * 1024 * 1024))
memory=""
procs=cgroup.procs
for candidate in /sys/fs/cgroup/memory /sys/fs/cgroup; do
    group=$candidate/edgefeat-$$
    mkdir "$group" 2>/dev/null || { group=; continue; }
    for file in memory.limit_in_bytes memory.max; do
        if [ -e "$group/$file" ] && echo $limit > "$group/$file" 2>/dev/null; then
            memory="cgroup, 256 MB for all processes together"
            break
        fi
    done
    [ -n "$memory" ] && break
    rmdir "$group"; group=
done
if [ -n "$group" ]; then
    echo $$ > "$group/$procs"
else
    ulimit -d $((limit / 1024))
    memory="data segment, 256 MB for each process"
fi

offline=""
unshare --net true 2>/dev/null && offline="unshare --net"
echo "constrained: one core; $memory; network: ${offline:-as it is}; home and cache not writable"

# Not writable for root either: a folder below a file does not exist and cannot be made.
export HOME=/proc/nowhere XDG_CACHE_HOME=/proc/nowhere TMPDIR="$box" PYTHONDONTWRITEBYTECODE=1
unset EDGEFEAT_CACHE
# pytest itself, with its assertion rewriting, is in the box too.
cd "$box"
taskset -c 0 $offline "$python" -m pytest -q -p no:cacheprovider --rootdir "$root" -c "$root/pyproject.toml" \
    "$root/tests/runtime" "$@"
taskset -c 0 $offline "$python" "$here/bench.py"
