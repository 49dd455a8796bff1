"""`python -m edgefeat_export.pipeline.release models`: rebuilds models/ from the source weights.

Writes the default backbone's files, manifest.json, and the table in models/README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat import atomic
from edgefeat.errors import EdgefeatError
from edgefeat_export.errors import ExportError
from edgefeat_export.networks.catalogue import DEFAULT_BACKBONE
from edgefeat_export.quiet import import_tensorflow

if TYPE_CHECKING:
    from edgefeat_export.pipeline.request import Say
    from edgefeat_export.pipeline.results import FinishedFile

__all__ = ["main", "release"]

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
    manifest = {"models": [_entry(file) for file in files]}
    text = json.dumps(manifest, indent=1) + "\n"
    atomic.write_text(folder / "manifest.json", text, error=ExportError)
    readme = folder / "README.md"
    if readme.exists():
        atomic.write_text(readme, _with_table(readme.read_text(), files), error=ExportError)
    return files


def main() -> int:
    """Run the rebuild; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m edgefeat_export.pipeline.release", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="where the files go, such as models")
    try:
        release(parser.parse_args().folder, say=_say)
    except EdgefeatError as error:
        _say(f"error: {error}")
        return 3
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"edgefeat-export: {line}\n")


def _entry(file: FinishedFile) -> dict[str, object]:
    spec = json.loads(file.spec.to_json())
    return {
        "file": file.path.name,
        "sha256": _sha256(file),
        "size_bytes": file.size_bytes,
        "dim": file.spec.dim,
        **{key: spec[key] for key in ("name", "precision", "fingerprint", "source", "parity")},
    }


def _with_table(text: str, files: Sequence[FinishedFile]) -> str:
    rows = ["| file | size | features | cosine to Keras, mean / min | relative L2, max | sha256 |"]
    rows.append("|---|---|---|---|---|---|")
    for file in files:
        parity = file.parities[file.spec.primary.name]
        rows.append(
            f"| `{file.path.name}` | {file.size_bytes / 1e6:.2f} MB | {file.spec.dim} "
            f"| {parity.cosine_mean:.5f} / {parity.cosine_min:.5f} | {parity.relative_l2_max:.1e} "
            f"| `{_sha256(file)[:16]}...` |"
        )
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}" + "\n".join(rows) + f"\n{_END}{after}"


def _sha256(file: FinishedFile) -> str:
    return hashlib.sha256(file.path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
