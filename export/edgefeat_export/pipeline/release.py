"""`python -m edgefeat_export.pipeline.release models`: rebuilds models/ from the source weights.

Writes the default backbone's files, manifest.json, and the table in models/README.md. With
`--levels` the graphs stay: what a cosine means is measured anew, in files that say it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgefeat import atomic
from edgefeat.errors import EdgefeatError
from edgefeat.model.file import read_model_file
from edgefeat_export.errors import ExportError
from edgefeat_export.networks.catalogue import DEFAULT_BACKBONE
from edgefeat_export.quiet import import_tensorflow

if TYPE_CHECKING:
    from edgefeat_export.pipeline.request import Say
    from edgefeat_export.pipeline.results import FinishedFile

__all__ = ["main", "measure_levels", "release"]

_BEGIN, _END = "<!-- table: made by `make models` -->\n", "<!-- end of table -->\n"


def release(folder: Path, *, say: Say) -> tuple[FinishedFile, ...]:
    """Build the default models into a folder, with manifest.json beside them.

    Args:
        folder: Where the files go; a README.md there gets a new table.
        say: Takes lines of progress.

    Raises:
        ExportError: A file was left out, or cannot be built or written.
    """
    import_tensorflow()
    from edgefeat_export.pipeline.build import build  # after TensorFlow, which it needs at import

    files = build(DEFAULT_BACKBONE, folder, precisions=("fp32", "int8"), say=say).files
    _write_lists(folder, [_entry(file.path) for file in files])
    return files


def measure_levels(folder: Path, *, say: Say) -> None:
    """Measure the levels of the default models anew, and list the files with their new hashes.

    A file without levels stays as it is, and so does one whose levels are the same.

    Args:
        folder: Where the files are.
        say: Takes lines of progress.

    Raises:
        ExportError: Nothing can be told, or a file cannot be written.
        ModelError: A file is missing or damaged.
    """
    from edgefeat_export.pipeline.levels import levels

    paths = sorted(folder.glob("*.onnx"))
    for path in paths:
        stated = read_model_file(path).spec.similarity
        if stated is not None and levels(path) != stated:
            levels(path, path, say=say)
    _write_lists(folder, [_entry(path) for path in paths])


def main() -> int:
    """Run the rebuild; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m edgefeat_export.pipeline.release", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="where the files go, such as models")
    parser.add_argument(
        "--levels", action="store_true", help="only measure what a cosine means anew"
    )
    arguments = parser.parse_args()
    make = measure_levels if arguments.levels else release
    try:
        make(arguments.folder, say=_say)
    except EdgefeatError as error:
        _say(f"error: {error}")
        return 3
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"edgefeat-export: {line}\n")


def _entry(path: Path) -> dict[str, Any]:
    spec, content = read_model_file(path).spec, path.read_bytes()
    told = json.loads(spec.to_json())
    return {
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "dim": spec.dim,
        **{key: told[key] for key in ("name", "precision", "fingerprint", "source", "parity")},
    }


def _write_lists(folder: Path, entries: Sequence[dict[str, Any]]) -> None:
    """Write manifest.json, and the table in a README.md that is there."""
    text = json.dumps({"models": entries}, indent=1) + "\n"
    atomic.write_text(folder / "manifest.json", text, error=ExportError)
    readme = folder / "README.md"
    if readme.exists():
        atomic.write_text(readme, _with_table(readme.read_text(), entries), error=ExportError)


def _with_table(text: str, entries: Sequence[dict[str, Any]]) -> str:
    rows = ["| file | size | features | cosine to Keras, mean / min | relative L2, max | sha256 |"]
    rows.append("|---|---|---|---|---|---|")
    for entry in entries:
        parity = entry["parity"]
        rows.append(
            f"| `{entry['file']}` | {entry['size_bytes'] / 1e6:.2f} MB | {entry['dim']} "
            f"| {parity['cosine_mean']:.5f} / {parity['cosine_min']:.5f} "
            f"| {parity['relative_l2_max']:.1e} | `{entry['sha256'][:16]}...` |"
        )
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}" + "\n".join(rows) + f"\n{_END}{after}"


if __name__ == "__main__":
    sys.exit(main())
