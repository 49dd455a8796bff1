"""What an installation takes: downloads and files on disk, for the runtime and for each extra.

    python tests/bench/bench_sizes.py [--export]

Downloads wheels with pip into a temporary folder and installs them from there. `--export` adds the
exporter: 600 MB of downloads.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNTIME = (".", ".[sklearn]", ".[parquet]", ".[pillow]")
EXPORT = (".", "./export")


def size_mb(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def measure(requirements: tuple[str, ...]) -> tuple[float, float, dict[str, float]]:
    """Return MB of wheels, MB installed, and MB installed by top-level folder."""
    with tempfile.TemporaryDirectory() as made:
        wheels, site = Path(made) / "wheels", Path(made) / "site"
        pip("wheel", "--wheel-dir", str(wheels), *requirements)
        files = [str(path) for path in wheels.glob("*.whl")]
        pip("install", "--no-index", "--no-deps", "--target", str(site), *files)
        parts = {path.name: size_mb(path) for path in site.iterdir() if path.is_dir()}
        return size_mb(wheels), size_mb(site), parts


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, cwd=ROOT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--export", action="store_true", help="the exporter too")
    cases: list[tuple[str, ...]] = [(one,) for one in RUNTIME]
    if parser.parse_args().export:
        cases.append(EXPORT)
    for case in cases:
        wheels, site, parts = measure(case)
        largest = sorted(parts.items(), key=lambda part: -part[1])[:4]
        shown = ", ".join(f"{name} {size:.0f}" for name, size in largest)
        name = " ".join(case)
        sys.stdout.write(
            f"{name:14} {wheels:5.0f} MB of wheels, {site:5.0f} MB on disk ({shown})\n"
        )


if __name__ == "__main__":
    main()
