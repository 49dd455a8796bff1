"""Decodes many thousand damaged pictures in bounded processes: pixels or ImageError, nothing else.

    python tests/fuzz/fuzz_pictures.py [-n 100000] [--start 0] [-o out/fuzz]
    python tests/fuzz/fuzz_pictures.py --only 4711      one of them, in this process

Each picture has ten seconds and its process one gigabyte of data. A crash, a hang, or any other
exception is a fault: its number is printed, and the picture is kept in the folder.
"""

from __future__ import annotations

import argparse
import collections
import os
import resource
import select
import subprocess
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(Path(__file__).parent)]

from mutations import Mutations  # noqa: E402

LIMIT_S, LIMIT_BYTES = 10, 2**30
_DECODED, _REFUSED, _FAULT = b"d", b"r", b"f"


def main() -> int:
    """Run what the arguments ask for; 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=100_000, help="mutations")
    parser.add_argument("--start", type=int, default=0, help="number of the first")
    parser.add_argument("--only", type=int, help="decode this one here, with a traceback")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("-o", type=Path, help="folder for pictures that show a fault")
    arguments = parser.parse_args()
    if arguments.only is not None:
        return _one(arguments.only)
    if arguments.child:
        return _child(arguments.start, arguments.n)
    return _parent(arguments.start, arguments.n, arguments.o)


def _seeds() -> Mutations:
    return Mutations(_heics())


def _heics() -> tuple[bytes, ...]:
    """Return HEIC pictures where pillow-heif is installed."""
    try:
        import pillow_heif
    except ImportError:
        return ()
    import io

    file = io.BytesIO()
    pillow_heif.from_bytes("RGB", (37, 21), bytes(range(256)) * 9 + bytes(27)).save(file)
    return (file.getvalue(),) * 20  # as often as a format with many variants


def _one(number: int) -> int:
    from edgefeat.pictures.decode import load_bgr

    data = _seeds()[number]
    print(f"{len(data)} bytes: {data[:32]!r}...")  # noqa: T201
    print(load_bgr(data).shape)  # noqa: T201
    return 0


def _child(start: int, count: int) -> int:
    """Decode pictures, and write one byte for each to stdout; a fault's words go to stderr."""
    from edgefeat.errors import ImageError
    from edgefeat.pictures.decode import load_bgr

    warnings.simplefilter("ignore")
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = LIMIT_BYTES if most == resource.RLIM_INFINITY else min(LIMIT_BYTES, most)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seeds = _seeds()
    os.write(1, b"s")  # ready
    for number in range(start, start + count):
        data = seeds[number]
        said = _DECODED
        try:
            pixels = load_bgr(data)
            if pixels.dtype != "uint8" or pixels.ndim != 3 or pixels.shape[2] != 3:
                raise TypeError(f"{pixels.dtype} of shape {pixels.shape}")
        except ImageError as error:
            said = _REFUSED
            if not error.remedy or error.where is None:
                said = _FAULT
                print(f"{number}: an ImageError without its parts: {error}", file=sys.stderr)  # noqa: T201
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the finding
            said = _FAULT
            print(f"{number}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201
        os.write(1, said)
    return 0


def _parent(start: int, count: int, folder: Path | None) -> int:
    begun, end, number = time.monotonic(), start + count, start
    counts: collections.Counter[str] = collections.Counter()
    faults: list[int] = []
    while number < end:
        number, what = _watched(number, end, counts, faults)
        if what is not None:
            print(f"{number}: {what}", flush=True)  # noqa: T201
            faults.append(number)
            number += 1
    seconds = time.monotonic() - begun
    largest_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print(  # noqa: T201
        f"{count} mutations in {seconds:.0f} s: {counts['decoded']} decoded, "
        f"{counts['refused']} refused, {len(faults)} faults; largest process {largest_mb} MB"
    )
    if folder is not None and faults:
        folder.mkdir(parents=True, exist_ok=True)
        seeds = _seeds()
        for fault in faults:
            (folder / f"{fault}.bin").write_bytes(seeds[fault])
    return 1 if faults else 0


def _watched(
    number: int, end: int, counts: collections.Counter[str], faults: list[int]
) -> tuple[int, str | None]:
    """Watch one child; return the number it stopped at, and what went wrong."""
    command = [sys.executable, __file__, "--child", "--start", str(number), "-n", str(end - number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        pipe = child.stdout.fileno()
        ready, what = False, None
        while what is None:
            if not select.select([pipe], [], [], LIMIT_S if ready else 120)[0]:
                child.kill()
                what = f"no end in {LIMIT_S} s"
                break
            said = os.read(pipe, 4096)
            if not said:
                break
            ready = True
            for one in said.removeprefix(b"s"):
                letter = bytes([one])
                if letter == _FAULT:
                    faults.append(number)
                counts["decoded" if letter == _DECODED else "refused"] += letter != _FAULT
                number += 1
    if what is None and number < end:
        what = f"the process ended with {child.returncode}"
    return number, what


if __name__ == "__main__":
    sys.exit(main())
