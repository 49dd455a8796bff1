"""A thousand broken, lying and dangerous files in one corpus: each ends in the set or the ledger.

Made from the committed photos with a fixed seed. What is asserted is what a user needs overnight:
the run ends, in bounded time and memory, and accounts for every file.
"""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgefeat import FeatureSet

COUNT = 1000
MAX_PIXELS = 2_000_000
PEAK_MIB = 400  # interpreter, libraries and model take 90; two workers with 2 MP pictures the rest
TIME_LIMIT_S = 300


def png_that_claims(width: int, height: int) -> bytes:
    """A bomb: a small PNG file whose header claims an enormous picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gif_of(frames: int, side: int) -> bytes:
    """An animation of many frames; each is one colour, so that the file is small."""
    head = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(6)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, side, side, 0)
    codes = bytes([0x02, 0x02, 0x44, 0x01, 0x00])  # clear, one pixel, end: the rest is missing
    return head + (frame + codes) * frames + b"\x3b"


def encoded(photos: Path) -> dict[str, bytes]:
    """The committed photos, small, in every format that is read."""
    files = {}
    for path in sorted(photos.glob("*.jpg")):
        small = cv2.resize(cv2.imread(str(path)), (96, 64), interpolation=cv2.INTER_AREA)
        for suffix in (".jpg", ".png", ".webp", ".bmp", ".tiff", ".ppm", ".gif"):
            good, content = cv2.imencode(suffix, small)
            assert good, suffix
            files[path.stem + suffix] = content.tobytes()
    return files


def mutated(content: bytes, draw: random.Random) -> bytes:
    """Cut, flip, zero, repeat or shuffle a part of a file."""
    kind, at = draw.randrange(6), draw.randrange(len(content))
    changed = bytearray(content)
    if kind == 0:
        return content[:at]
    if kind == 1:
        for _ in range(draw.choice([1, 3, 30])):
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    elif kind == 2:
        changed[at : at + 200] = bytes(len(changed[at : at + 200]))
    elif kind == 3:  # the header, where sizes and lengths are
        for _ in range(4):
            changed[draw.randrange(min(64, len(changed)))] = draw.randrange(256)
    elif kind == 4:
        changed[at:at] = changed[at : at + 500] * 3
    else:
        changed[at : at + 100] = draw.randbytes(len(changed[at : at + 100]))
    return bytes(changed)


def special(folder: Path, photo: bytes) -> Iterator[Path]:
    """What is not a broken picture but no picture at all, or a trap."""
    contents = {
        "empty.jpg": b"",
        "zeros.png": bytes(5000),
        "text.jpg": b"Dear diary",
        "bomb.png": png_that_claims(60000, 60000),
        "bomb-2.png": png_that_claims(2**31 - 1, 2**31 - 1),
        "bomb-in-limit.png": png_that_claims(1400, 1400),
        "giant.gif": gif_of(1, 65535),
        "long.gif": gif_of(20000, 64),
        "bomb.bmp": b"BM" + struct.pack("<IIIIiiHHI", 54, 0, 54, 40, 30000, 30000, 1, 24, 1),
        "bomb.ppm": b"P6 99999 99999 255\n",
        "wrong.png": photo,
        "ünïcödé 写真 🦊.jpg": photo,
        "new\nline.jpg": photo,
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        yield folder / name
    raw = os.fsencode(folder) + b"/latin-\xe9.jpg"
    Path(os.fsdecode(raw)).write_bytes(photo)
    yield Path(os.fsdecode(raw))
    os.mkfifo(folder / "fifo.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    (folder / "device.jpg").symlink_to("/dev/zero")
    (folder / "unreadable.jpg").write_bytes(photo)
    (folder / "unreadable.jpg").chmod(0)
    for name in ("fifo", "loop", "dangling", "device", "unreadable"):
        yield folder / f"{name}.jpg"
    (folder / "round").symlink_to(folder, target_is_directory=True)
    (folder / "folder.jpg").mkdir()


@pytest.fixture(scope="module")
def corpus(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("hostile")
    draw = random.Random(20261121)
    files = encoded(photos)
    paths = list(special(folder, files["coffee.jpg"]))
    for number in range(COUNT - len(paths)):
        name, content = draw.choice(list(files.items()))
        suffix = draw.choice(list(files)) if number % 10 == 0 else name  # a wrong one now and then
        path = folder / f"{number:04}{Path(suffix).suffix}"
        path.write_bytes(mutated(content, draw))
        paths.append(path)
    return sorted(str(path) for path in paths)


def test_every_file_is_accounted_for(corpus: list[str], tmp_path: Path) -> None:
    folder, output = Path(corpus[0]).parent, tmp_path / "set"
    code = (
        "import re, sys\n"
        "from edgefeat.cli.main import main\n"
        "code = main(sys.argv[1:])\n"
        "status = open('/proc/self/status').read()\n"  # getrusage has the parent's peak, too
        "print(int(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1]) // 1024)\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [
            sys.executable, "-P", "-c", code, "extract", str(folder), "-o", str(output),
            "--workers", "2", "--shard-size", "100", "--max-pixels", str(MAX_PIXELS),
        ],
        capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    features = FeatureSet.read(output)
    ledger = [json.loads(line) for line in (output / "errors.jsonl").read_text().splitlines()]
    damaged = {entry["path"]: entry["damaged"] for entry in ledger if "damaged" in entry}
    ledger = [entry for entry in ledger if "reason" in entry]
    failed = [entry["path"] for entry in ledger]
    assert damaged.keys() <= set(features.paths)
    assert all("its decoder says" in said for said in damaged.values())
    assert damaged
    assert sorted([*features.paths, *failed]) == corpus
    assert np.isfinite(features.features).all()
    assert min(len(features), len(failed)) > COUNT // 5  # neither a corpus of junk nor of photos
    assert all(entry["reason"] and "\n" not in entry["reason"] for entry in ledger)
    peak_mib = int(done.stdout.split()[-1])
    assert peak_mib < PEAK_MIB
    print(f"{len(features)} in the set, {len(failed)} in the ledger, peak {peak_mib} MiB")  # noqa: T201
    names = {Path(path).name for path in features.paths}
    assert {"wrong.png", "ünïcödé 写真 🦊.jpg", "new\nline.jpg", "latin-\udce9.jpg"} <= names
    reasons = {Path(entry["path"]).name: entry["reason"] for entry in ledger}
    assert reasons["fifo.jpg"] == "not a regular file. Save the picture to a file first."
    assert reasons["device.jpg"] == "not a regular file. Save the picture to a file first."
    assert reasons["dangling.jpg"] == "no such file. Check the path."
    assert reasons["loop.jpg"] == "cannot be read: Too many levels of symbolic links."
    assert reasons["bomb.png"].startswith("60000x60000 is 3600000000 pixels, more than the limit")
    if os.geteuid() != 0:  # root may read anything
        assert reasons["unreadable.jpg"] == "cannot be read: Permission denied."
