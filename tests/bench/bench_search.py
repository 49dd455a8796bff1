"""Search: what a query, and a set against itself, cost beside the bare product of matrices.

    python tests/bench/bench_search.py query      1 query on 10,000 float32 rows
    python tests/bench/bench_search.py mapped     1 query on folders of 100,000 rows of bytes
    python tests/bench/bench_search.py itself     20,000 rows against themselves
    python tests/bench/bench_search.py recall     what one byte a number can keep of the ten nearest
    python tests/bench/bench_search.py copies     near-duplicates among 100,000 int8 rows (minutes)

Times are CPU seconds, taken in turns with the bare product, on one thread. Rows are mixes of
features of windows of the sample photos, made unlike by noise: not negative, as a network's are.
Memory is the peak of a fresh process; what is mapped counts in it, and is named beside it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

import edgefeat
from edgefeat.sets.contents import SetContents
from edgefeat.sets.encoding import Store, encode
from edgefeat.sets.info import OutputInfo, SetInfo
from edgefeat.sets.record import FeatureRecord
from edgefeat.sets.shards import ShardSink

DIM = 1280
ROUNDS = 15
PEAK = (  # since the program began: ru_maxrss begins with that of its parent
    "def peak():\n"
    "    lines = open('/proc/self/status').read().splitlines()\n"
    "    return next(int(x.split()[1]) / 1024 for x in lines if x.startswith('VmHWM'))\n"
)
WINDOWS = 80  # of each photo
Floats = NDArray[np.float32]


def seeds() -> Floats:
    """Return features of windows of the sample photos."""
    from edgefeat.model.shipped import sample_photos

    draw, cut = np.random.default_rng(5), []
    with edgefeat.FeatureExtractor() as extractor:
        for path in sample_photos():
            photo = extractor.decode(str(path))
            height, width = photo.shape[:2]
            for _ in range(WINDOWS):
                side = int(min(height, width) * draw.uniform(0.4, 0.9))
                top, left = draw.integers(height - side + 1), draw.integers(width - side + 1)
                cut.append(photo[top : top + side, left : left + side])
        return extractor.extract_batch(cut)


def made(count: int, seed: int, of: Floats) -> Floats:
    """Return rows that look like a network's."""
    draw = np.random.default_rng(seed)
    first, second = of[draw.integers(len(of), size=(2, count))]
    share = draw.random((count, 1), dtype=np.float32) / 2 + 0.5
    rows = share * first + (1 - share) * second
    rows *= 1 + 0.4 * draw.standard_normal((count, DIM), dtype=np.float32)
    return np.maximum(rows, 0)


def info_of(store: Store) -> SetInfo:
    """Return the facts of a set that no real model made."""
    output = OutputInfo(name="features", shape=(DIM,))
    return SetInfo(model="bench", fingerprint="b" * 64, outputs=(output,), store=store)


def in_memory(rows: Floats, store: Store = Store.F32) -> edgefeat.FeatureSet:
    """Return a set of rows."""
    names = [f"{row:06}.jpg" for row in range(len(rows))]
    columns = [[encode(rows, store)]]
    return edgefeat.FeatureSet(
        SetContents(info=info_of(store), paths=names, frames=None, columns=columns)
    )


def on_disk(folder: Path, blocks: Iterator[Floats], store: Store) -> None:
    """Write a set as `edgefeat extract` does."""
    info, number = info_of(store), 0
    with ShardSink(folder, info) as sink:
        for block in blocks:
            for row in block:
                name = f"photos/{number:06}.jpg"
                sink.write(
                    FeatureRecord(
                        features=row, index=number, fingerprint=info.fingerprint, name=name
                    )
                )
                number += 1
        sink.commit()


def in_turns(*works: Callable[[], object], rounds: int = ROUNDS) -> NDArray[np.float64]:
    """Return CPU seconds `(rounds, works)`; the works of one round run after each other."""
    for work in works:
        work()
    taken = np.empty((rounds, len(works)))
    for number in range(rounds):
        for i, work in enumerate(works):
            started = time.process_time()
            work()
            taken[number, i] = time.process_time() - started
    return taken


def query() -> None:
    """One query on 10,000 float32 rows, beside one product and argpartition."""
    rows = made(10_000, 0, seeds())
    asked = made(1, 1, seeds())
    there = in_memory(rows)

    def bare() -> object:
        return np.argpartition(-(asked @ rows.T)[0], 10)[:10]

    taken = in_turns(lambda: there.search(asked[0], k=10), bare)
    ratio = np.median(taken[:, 0] / taken[:, 1])
    first = in_turns(lambda: in_memory(rows[:]).search(asked[0], k=10), rounds=5)
    say("query, 10,000 x 1,280 float32", f"{1e3 * np.median(taken[:, 0]):.1f} ms CPU")
    say("  over product and argpartition", f"{ratio:.2f} x (at most 2.0)")
    say("  the first query of a set", f"{1e3 * np.median(first):.1f} ms CPU")


def mapped() -> None:
    """One query on folders of 100,000 rows of bytes: time, memory, recall against float32."""
    of = seeds()
    asked = made(50, 99, of)
    scores = []
    for seed in range(10):
        rows = made(10_000, seed, of)
        scores.append((rows / np.linalg.norm(rows, axis=1, keepdims=True)) @ asked.T)
    exact = np.argsort(-np.concatenate(scores), axis=0, kind="stable")[:10].T
    none = float(in_process("Digits(np.ones((1, 1280))).times(np.ones((64, 1280), np.int8))"))
    for store in (Store.I8, Store.U8):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "set"
            on_disk(folder, (made(10_000, seed, of) for seed in range(10)), store)
            mib = sum(path.stat().st_size for path in folder.glob("*.npy")) / 2**20
            np.save(f"{name}/asked.npy", asked)
            told = in_process(
                "from edgefeat.sets.featureset import FeatureSet\n"
                "there, taken, found = FeatureSet.read(sys.argv[1]), [], []\n"
                "for one in np.load(sys.argv[2]):\n"
                "    started = time.process_time()\n"
                "    found.append(there.search(one, k=10).rows)\n"
                "    taken.append(time.process_time() - started)\n"
                "np.save(sys.argv[3], found)\n"
                "print(taken[0] * 1e3, np.median(taken[1:]) * 1e3)",
                str(folder),
                f"{name}/asked.npy",
                f"{name}/found.npy",
            )
            first, later, peak = map(float, told.split())
            found = np.load(f"{name}/found.npy")
        kept = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, exact, strict=True)])
        say(f"query, 100,000 x 1,280 {store}, mapped", f"{later:.1f} ms CPU (at most 80)")
        say("  the first query of a set", f"{first:.1f} ms CPU")
        say(
            "  peak over file and process without a set",
            f"{peak - mib - none:.1f} MiB (at most 60)",
        )
        say("  that process: Python, NumPy, ONNX Runtime", f"{none:.1f} MiB")
        say("  the mapped file", f"{mib:.1f} MiB")
        say("  recall of ten against float32", f"{kept:.3f} (at least .985)")


def in_process(code: str, *arguments: str) -> str:
    """Return what code prints in a fresh process, and the peak of its memory in MiB."""
    whole = (
        "import sys, time\n"
        "import numpy as np\n"
        "from edgefeat.search.integers import Digits\n"
        f"{PEAK}{code}\n"
        "print(peak())\n"
    )
    return subprocess.run(
        [sys.executable, "-c", whole, *arguments], capture_output=True, text=True, check=True
    ).stdout


def recall() -> None:
    """Which of the ten nearest of 100,000 rows survive, by how a row is rounded to bytes."""
    of = seeds()
    asked = made(50, 99, of)

    def best_scale(rows: Floats) -> Floats:
        """Of scales that cut the largest numbers off, the one with the least squared error."""
        kept, least = rows, np.full((len(rows), 1), np.inf, np.float32)
        for share in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5):
            scale = share * np.abs(rows).max(axis=1, keepdims=True) / 127
            tried = np.clip(np.rint(rows / scale), -127, 127) * scale
            error = np.square(tried - rows).sum(axis=1, keepdims=True)
            kept, least = np.where(error < least, tried, kept), np.minimum(error, least)
        return kept

    kinds: dict[str, Callable[[Floats], Floats]] = {
        "float32": lambda rows: rows,
        "i8": lambda rows: encode(rows, Store.I8).decode(),
        "i8, the best scale of each row": best_scale,
        "u8": lambda rows: encode(rows, Store.U8).decode(),
    }
    scores: dict[str, list[Floats]] = {kind: [] for kind in kinds}
    for seed in range(10):
        rows = made(10_000, seed, of)
        for kind, stored in kinds.items():
            decoded = stored(rows)
            decoded /= np.linalg.norm(decoded, axis=1, keepdims=True)
            scores[kind].append(decoded @ asked.T)
    found = {
        kind: np.argsort(-np.concatenate(parts), axis=0, kind="stable")[:10].T
        for kind, parts in scores.items()
    }
    exact = found["float32"]
    for kind, best in found.items():
        shared = [len(set(a) & set(b)) / 10 for a, b in zip(best, exact, strict=True)]
        say(f"recall of ten, {kind}", f"{np.mean(shared):.3f}")
    ranked = -np.sort(-np.concatenate(scores["float32"]), axis=0)[9:11] / np.linalg.norm(
        asked, axis=1
    )
    say("cosine from the 10th to the 11th", f"{np.median(ranked[0] - ranked[1]):.1e} (median)")


def copies() -> None:
    """Near-duplicates among 100,000 int8 rows: memory."""
    of = seeds()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "set"
        on_disk(folder, (made(10_000, seed, of) for seed in range(10)), Store.I8)
        code = (
            "import sys, time\n"
            "from edgefeat.sets.featureset import FeatureSet\n"
            "there = FeatureSet.read(sys.argv[1])\n"
            "cpu = time.process_time()\n"
            "found = there.duplicates(threshold=0.95)\n"
            f"{PEAK}"
            "print(time.process_time() - cpu, peak(), len(found.groups))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
        )
        taken, peak, groups = map(float, done.stdout.split())
        mib = sum(path.stat().st_size for path in folder.glob("*.npy")) / 2**20
    say("100,000 int8 rows: duplicates", f"{taken:.0f} s CPU, {groups:.0f} groups")
    say("  peak of the process, the file included", f"{peak:.0f} MiB (at most 400)")
    say("  the mapped file", f"{mib:.0f} MiB")


def itself() -> None:
    """20,000 rows against themselves: near-duplicates, and the ten nearest of each."""
    of = seeds()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "set"
        on_disk(folder, (made(10_000, seed, of) for seed in range(2)), Store.F32)
        for what in ("duplicates(threshold=0.95)", "search(there, k=10)"):
            code = (
                "import sys, time\n"
                "import numpy as np\n"
                "from edgefeat.sets.featureset import FeatureSet\n"
                "there = FeatureSet.read(sys.argv[1])\n"
                "cpu = time.process_time()\n"
                "for mine in there.blocks():\n"
                "    for other in there.blocks():\n"
                "        mine @ other.T\n"
                "bare = time.process_time() - cpu\n"
                "cpu = time.process_time()\n"
                f"there.{what}\n"
                "taken = time.process_time() - cpu\n"
                f"{PEAK}"
                "print(bare, taken, peak())\n"
            )
            done = subprocess.run(
                [sys.executable, "-c", code, str(folder)],
                capture_output=True,
                text=True,
                check=True,
            )
            bare, taken, peak = map(float, done.stdout.split())
            say(f"20,000 rows: {what}", f"{taken:.1f} s CPU, bare product {bare:.1f} s")
            say("  over the bare blocked product", f"{taken / bare:.2f} x (at most 1.5)")
            say("  peak, with 98 MiB of mapped rows", f"{peak:.0f} MiB (at most 300)")


def say(what: str, figure: str) -> None:
    """Print one line."""
    sys.stdout.write(f"{what:<40} {figure}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["query", "mapped", "itself", "recall", "copies"])
    works = {"query": query, "mapped": mapped, "itself": itself}
    works |= {"recall": recall, "copies": copies}
    works[parser.parse_args().what]()


if __name__ == "__main__":
    main()
