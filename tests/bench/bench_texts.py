"""Long texts among short ones: time of a batch beside one by one, and memory.

    python tests/bench/bench_texts.py [--laps N]

A network of a TextVectorization, an Embedding and a mean gets 31 short texts and one long one. Each
line is a fresh process: CPU time of the batch over that of the same texts one by one, the median of
laps that take turns; and how far the peak of memory rose above that of the short texts alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

LENGTHS = (4_096, 10_000, 100_000, 1_000_000)
CHILD = """
import json, statistics, sys, time
import edgefeat
from edgefeat.host.machine import peak_rss_bytes

path, longest, laps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
short = [{"text": f"great sweet apples number {n}"} for n in range(31)]
texts = [*short, {"text": ("the best bread in town " * (longest // 23 + 1))[:longest]}]

def taken(way):
    begun = time.process_time()
    way()
    return time.process_time() - begun

with edgefeat.FeatureExtractor(path, max_text=longest) as extractor:
    extractor.extract_batch(short)
    before = peak_rss_bytes()
    extractor.extract_batch(texts)
    rise = peak_rss_bytes() - before
    ways = [lambda: extractor.extract_batch(texts), lambda: [extractor.extract(t) for t in texts]]
    found = [[taken(way) for way in ways] for _ in range(laps)]
batch, alone = (statistics.median(column) for column in zip(*found))
print(json.dumps([batch, alone, rise]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laps", type=int, default=5)
    laps = parser.parse_args().laps
    from column_networks import saved
    from edgefeat_export import build

    with tempfile.TemporaryDirectory() as made:
        (file,) = build(saved("mean", made), Path(made) / "out").files
        for length in LENGTHS:
            done = subprocess.run(
                [sys.executable, "-c", CHILD, file.path, str(length), str(laps)],
                check=True,
                capture_output=True,
                text=True,
            )
            batch, alone, rise = json.loads(done.stdout)
            sys.stdout.write(
                f"{length:7d} characters: batch {batch * 1e3:6.1f} ms CPU, {batch / alone:.2f} of"
                f" one by one; memory +{rise / 1e6:.0f} MB\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
