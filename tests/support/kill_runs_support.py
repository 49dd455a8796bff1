"""Kills `edgefeat extract` at random moments until it is done; sets must be equal in the end."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

__all__ = ["compare"]


def compare(
    place: Path, flag: str, *, kills: int, pictures: int, seed: int, longest_s: float
) -> tuple[int, bool]:
    """Compare a set whose making was killed with one whose making was not.

    Args:
        place: An empty folder.
        flag: `--resume` or `--sync`.
        kills: How many runs to kill.
        pictures: How many pictures there are to begin with.
        seed: Of the changes and moments.
        longest_s: When a run is killed at the latest, after its start.

    Returns:
        How many runs were killed before they ended, and whether the sets are equal byte for byte.
    """
    source = place / "in"
    fill(source, pictures)
    kill_until_done(source, place / "whole", flag, kills=0, seed=seed, longest_s=0)
    change_some(source, seed)
    shutil.copytree(place / "whole", place / "killed")
    kill_until_done(source, place / "whole", flag, kills=0, seed=seed, longest_s=0)
    killed = kill_until_done(
        source, place / "killed", flag, kills=kills, seed=seed, longest_s=longest_s
    )
    return killed, content(place / "killed") == content(place / "whole")


def fill(folder: Path, count: int) -> None:
    """Make small pictures, every twentieth of which is none."""
    folder.mkdir(parents=True)
    for number in range(count):
        _draw(folder / f"{number:05}.png", number, bad=number % 20 == 7)


def change_some(folder: Path, seed: int) -> None:
    """Change, mend, remove, rename and add some pictures."""
    draw = random.Random(seed)
    paths = sorted(folder.iterdir())
    chosen = draw.sample(paths, len(paths) // 3)
    for number, path in enumerate(chosen):
        if number % 3 == 0:
            _draw(path, seed * 10_000 + number, bad=False)
        elif number % 3 == 1:
            path.unlink()
        else:
            path.rename(path.with_name(f"{draw.random()}.png"))
    for number in range(len(paths) // 3):
        _draw(folder / f"{draw.random()}.png", number, bad=number % 20 == 7)


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a set."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def kill_until_done(
    source: Path, output: Path, flag: str, *, kills: int, seed: int, longest_s: float
) -> int:
    """Run the command again and again, killed at random moments; then once more to its end.

    Args:
        source: Pictures.
        output: The set.
        flag: `--resume` or `--sync`.
        kills: How many runs to kill.
        seed: Of the moments.
        longest_s: When a run is killed at the latest, after its start.

    Returns:
        How many runs were killed before they ended.
    """
    command = [
        sys.executable, "-P", "-m", "edgefeat", "extract", str(source), "-o", str(output), flag,
        "--shard-size", "16", "--commit-every", "0.1", "--quiet",
    ]  # fmt: skip
    moments = random.Random(seed)
    killed = 0
    for _ in range(kills):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0.2, longest_s))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr)
    return killed


def _draw(path: Path, seed: int, *, bad: bool) -> None:
    if bad:
        path.write_bytes(b"no picture")
        return
    drawn = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)
    cv2.imwrite(str(path), drawn)
