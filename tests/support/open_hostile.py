"""Opens each model in a folder as the exporter does: python open_hostile.py FOLDER EMPTY NAME...

A program of its own, whose memory and deeds can be measured. It prints JSON: for each model the
class and text of the error and the seconds it took; the largest memory; and every file, program and
connection beyond the model that Python was asked for.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

from edgefeat_export.networks.network import of_file
from edgefeat_export.networks.normalisation import IDENTITY

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect")


def main(folder: Path, names: list[str]) -> None:
    deeds: list[str] = []
    at_work = False

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if not at_work:
            return
        if event in _PROGRAMS:
            deeds.append(f"{event} {arguments[:2]!r}")
        if event == "open" and isinstance(arguments[0], str) and arguments[2] & _WRITES:
            deeds.append(f"open to write {arguments[0]}")

    sys.addaudithook(heard)
    found: dict[str, Any] = {}
    for name in names:
        at_work, began = True, time.monotonic()
        try:
            of_file(folder / name, normalisation=IDENTITY)
            text, kind = "it opened", "none"
        except Exception as error:  # noqa: BLE001 - which error it is, is what is measured
            text, kind = str(error), type(error).__name__
        at_work = False
        found[name] = {"kind": kind, "text": text, "seconds": time.monotonic() - began}
    sys.stdout.write(json.dumps({"models": found, "kb": _largest_kb(), "deeds": deeds}) + "\n")


def _largest_kb() -> int:
    """Return the most memory that this process had; `ru_maxrss` begins with its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
