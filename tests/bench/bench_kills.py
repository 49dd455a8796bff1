"""Kill -9 at random moments of `extract --resume` and `--sync`; the sets must be equal.

    PYTHONPATH=tests/support python tests/bench/bench_kills.py [--kills 20] [--pictures 2000]

For each of both: a set is made, the folder changes, and the command runs once without being
disturbed. From the same beginning it is then killed that many times at random moments, runs once
more, and both sets are compared. It ends with 1 if a byte differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from kill_runs_support import compare

SEED = 20261127


def main() -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--longest", type=float, default=1.5, help="seconds before a kill, at most")
    arguments = parser.parse_args()
    equal = True
    for flag in ("--resume", "--sync"):
        with tempfile.TemporaryDirectory() as folder:
            killed, same = compare(
                Path(folder),
                flag,
                kills=arguments.kills,
                pictures=arguments.pictures,
                seed=SEED,
                longest_s=arguments.longest,
            )
        equal = equal and same
        verdict = "equal" if same else "DIFFERENT"
        sys.stdout.write(f"{flag}: {killed} of {arguments.kills} runs killed, sets {verdict}\n")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
