"""The unit and the compose file of the documents, read by the programs that they are for.

Debian: apt-get install systemd docker-compose
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

UNITS = Path(__file__).parents[2] / "docs" / "howto" / "units"
INSTALLED = "/opt/edgefeat/bin/edgefeat"


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    assert shutil.which("systemd-analyze"), "apt-get install systemd"
    text = (UNITS / "edgefeat@.service").read_text()
    assert INSTALLED in text
    unit = tmp_path / "edgefeat@yard.service"
    unit.write_text(text.replace(INSTALLED, sys.executable))  # what it names has to be there
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_compose_takes_the_file() -> None:
    assert shutil.which("docker-compose"), "apt-get install docker-compose"
    done = subprocess.run(
        ["docker-compose", "-f", str(UNITS / "compose.yaml"), "config"],
        env={**os.environ, "SOURCE": "rtsp://me:secret@camera/live"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "SOURCE: rtsp://me:secret@camera/live" in done.stdout
