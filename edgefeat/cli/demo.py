"""`python -m edgefeat.cli.demo`: features of the sample photos, their likeness, and how fast."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from edgefeat.bench.conditions import Watch
from edgefeat.errors import EdgefeatError
from edgefeat.extractor import FeatureExtractor
from edgefeat.host.machine import processor
from edgefeat.listing.listing import expand
from edgefeat.measures.similarity import cosine_similarity
from edgefeat.model.shipped import sample_photos
from edgefeat.sets.featureset import FeatureSet

__all__ = ["main"]

_ROUNDS = 30


def main() -> int:
    """Run the demonstration; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m edgefeat.cli.demo", description=__doc__)
    parser.add_argument("folder", nargs="?", help="pictures (default: the shipped samples)")
    parser.add_argument("-o", "--output", type=Path, default=Path("edgefeat-demo.npz"))
    arguments = parser.parse_args()
    try:
        paths = expand(arguments.folder) if arguments.folder else map(str, sample_photos())
        _show(list(paths), arguments.output)
    except EdgefeatError as error:
        sys.stderr.write(f"edgefeat demo: error: {error}\n")
        return 3
    return 0


def _show(paths: list[str], output: Path) -> None:
    with FeatureExtractor() as extractor:
        features = extractor.extract_batch(paths)
        output.parent.mkdir(parents=True, exist_ok=True)
        FeatureSet.of(features, extractor, paths=paths).save(output, overwrite=True)
        watch = Watch()
        latency_ms = _latency_ms(extractor, paths)
        conditions = watch.verdict()
        verdict = "passed" if extractor.self_test() else "FAILED"
    say = sys.stdout.write
    say(f"{extractor.spec.name} ({extractor.spec.precision}), self-test {verdict}\n")
    say(f"features: {features.dtype} {features.shape}, first: {features[0, :4].round(3)}\n\n")
    say("cosine similarity\n" + _table([Path(path).stem for path in paths], features) + "\n")
    cpu = processor()
    dot = "with" if cpu.int8_dot else "without"
    say(f"photo to features: {latency_ms:.1f} ms median of {_ROUNDS * len(paths)}, one thread\n")
    say(f"  on {cpu.model}, {dot} int8 dot products\n")
    for reason in conditions.invalid:
        say(f"  slower than it could be: {reason}\n")
    say(f"written: {output}\n")


def _table(names: list[str], features: np.ndarray) -> str:
    cosines = cosine_similarity(features, features)
    width = max(map(len, names)) + 2
    lines = [" " * width + "".join(name.rjust(width) for name in names)]
    for name, row in zip(names, cosines, strict=True):
        lines.append(name.ljust(width) + "".join(f"{value:.3f}".rjust(width) for value in row))
    return "\n".join(lines) + "\n"


def _latency_ms(extractor: FeatureExtractor, paths: list[str]) -> float:
    """Time whole calls, from encoded bytes in memory to the vector."""
    photos = [Path(path).read_bytes() for path in paths]
    times = []
    for _ in range(_ROUNDS):
        for photo in photos:
            start = time.perf_counter()
            extractor.extract(photo)
            times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3


if __name__ == "__main__":
    sys.exit(main())
