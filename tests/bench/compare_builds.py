"""Whether this checkout is slower than another commit: `make bench-compare BASE=main`.

    python tests/bench/compare_builds.py [BASE] [--pairs 5] [--blocks 12] [--fail-above 5] [-o FILE]

Both builds run at the same time, each in a process of its own that waits while the other works:
blocks of 16 calls in alternating order, so that the machine's moods meet both. Then the next pair
of processes does, because two processes of one build differ too. The ratio of medians and its 95 %
interval come from whole pairs (`edgefeat.bench.statistics.bootstrap`). Exits with 1 if this
checkout is slower by more than the limit and the interval excludes equality.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# edgefeat is imported where it is needed: a child's may be an older one.
ROOT = Path(__file__).parents[2]
BLOCK_CALLS = 16


class Build:
    """A checkout's `FeatureExtractor` in a process that runs a block when told to."""

    def __init__(self, checkout: Path) -> None:
        from edgefeat.model.shipped import default_model_path, sample_photos

        paths = [str(default_model_path()), *map(str, sample_photos())]
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--child", *paths],
            env={**os.environ, "PYTHONPATH": str(checkout)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def block(self) -> list[float]:
        """Return the latencies in ms of 16 calls."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the child has no pipes")
        stdin.write("go\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise RuntimeError("the child ended; its message stands above")
        block: list[float] = json.loads(answer)
        return block

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()


def child(model: str, photos: list[str]) -> None:
    """Run a block for every line on stdin; uses nothing but what every version offers."""
    from edgefeat.extractor import FeatureExtractor

    pictures = [Path(photo).read_bytes() for photo in photos]
    with FeatureExtractor(model) as extractor:
        for _ in sys.stdin:
            extractor.extract(pictures[0])  # the other build had the caches
            latencies = []
            for number in range(BLOCK_CALLS):
                before = time.perf_counter()
                extractor.extract(pictures[number % len(pictures)])
                latencies.append(1e3 * (time.perf_counter() - before))
            sys.stdout.write(json.dumps(latencies) + "\n")
            sys.stdout.flush()


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Check a commit out beside this one, for as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "base"
        command = ["git", "worktree", "add", "--quiet", "--detach", str(target), _known(commit)]
        subprocess.run(command, cwd=ROOT, check=True)
        try:
            yield target
        finally:
            command = ["git", "worktree", "remove", "--force", str(target)]
            subprocess.run(command, cwd=ROOT, check=True)


def _known(commit: str) -> str:
    """Return the commit, or the remote's branch of that name: a clone has one branch of its own."""
    for name in (commit, f"origin/{commit}"):
        command = ["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return found.stdout.strip()
    raise SystemExit(f"{commit}: no such commit here. Name another: make bench-compare BASE=HEAD~1")


def main() -> int:
    """Compare; return the exit code."""
    from edgefeat.bench.statistics.bootstrap import ENOUGH_PROCESSES, ratio_of_quantiles

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("base", nargs="?", default="main")
    parser.add_argument("--pairs", type=int, default=ENOUGH_PROCESSES, help="so many at least")
    parser.add_argument("--blocks", type=int, default=12, help="of each process of a pair")
    parser.add_argument("--fail-above", type=float, default=5.0, help="percent")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    if arguments.pairs < ENOUGH_PROCESSES:
        parser.error(f"--pairs: expected at least {ENOUGH_PROCESSES}, got {arguments.pairs}")
    old, new = [], []
    with checkout(arguments.base) as base:
        for _ in range(arguments.pairs):
            of_base, of_this = _pair((base, ROOT), arguments.blocks)
            old.append(of_base)
            new.append(of_this)
    found = {}
    for name, quantile in (("p50", 0.5), ("p90", 0.9)):
        ratio, low, high = ratio_of_quantiles(new, old, quantile, paired=True)
        found[name] = {"ratio": ratio, "low": low, "high": high}
        base_ms, here_ms = (np.quantile(np.concatenate(all_of), quantile) for all_of in (old, new))
        sys.stdout.write(
            f"{name}  {arguments.base} {base_ms:.3f} ms, here {here_ms:.3f} ms, "
            f"ratio {ratio:.3f} ({low:.3f} to {high:.3f})\n"
        )
    if arguments.output:
        arguments.output.write_text(json.dumps(found, indent=1) + "\n")
    limit = 1 + arguments.fail_above / 100
    return int(any(one["ratio"] > limit and one["low"] > 1 for one in found.values()))


def _pair(checkouts: Sequence[Path], blocks: int) -> list[NDArray[np.float64]]:
    """Return each checkout's latencies in ms, in processes of their own that take turns."""
    measured: list[list[float]] = [[] for _ in checkouts]
    with ExitStack() as stack:
        builds = [Build(one) for one in checkouts]
        for build in builds:
            stack.callback(build.close)
            build.block()  # warm-up
        order = list(range(len(builds)))
        for _ in range(blocks):
            for i in order:
                measured[i] += builds[i].block()
            order.reverse()
    return [np.array(one) for one in measured]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main())
