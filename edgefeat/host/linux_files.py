"""Linux's own files about the machine, below `/proc` and `/sys`: read, and never guessed.

Each function of `edgefeat.host` takes the root of the file system, so that a copied `/proc` and
`/sys` of another device can be read in its place. Standard library only.

Sources: kernel Documentation/ABI and cgroup-v2.rst.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

__all__ = [
    "ROOT",
    "cgroup_folders",
    "cpu_files",
    "read_kilobytes",
    "read_number",
    "read_text",
    "values_of",
]

ROOT = Path("/")


def cgroup_folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield this process's control group and its parents, version 2 and version 1."""
    for line in (read_text(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / (controller if controllers else "")
        folder = top / path.lstrip("/")
        while folder != top and folder.is_relative_to(top):
            yield folder
            folder = folder.parent
        yield top


def cpu_files(root: Path, name: str) -> Iterator[Path]:
    """Yield the file of this name of each core."""
    yield from (root / "sys/devices/system/cpu").glob(f"cpu[0-9]*/{name}")


def values_of(text: str, key: str) -> list[str]:
    """Return the values of a key in the lines `key : value` of a text."""
    return re.findall(rf"^{re.escape(key)}\s*:[ \t]*(.+)$", text, re.MULTILINE)


def read_kilobytes(path: Path, key: str) -> int | None:
    """Return a value in bytes that a file gives in kB."""
    found = values_of(read_text(path) or "", key)
    return int(found[0].split()[0]) * 1024 if found else None


def read_number(path: Path) -> float | None:
    """Return the number that a file holds, and nothing else."""
    text = (read_text(path) or "").strip()
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def read_text(path: Path) -> str | None:
    """Return what a file holds; None if it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:  # absent on this device, or for root only
        return None
