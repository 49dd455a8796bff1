"""What the exporter's commands print: progress on stderr, results on stdout."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgefeat.errors import EdgefeatError
    from edgefeat.model.spec import Parity
    from edgefeat_export.pipeline.results import FinishedFile

__all__ = ["as_document", "as_line", "parity_text", "refusal", "say", "write_json"]


def say(line: str) -> None:
    """Write a line of progress."""
    sys.stderr.write(f"edgefeat-export: {line}\n")
    sys.stderr.flush()


def write_json(document: object) -> None:
    """Write a document as one line on stdout."""
    sys.stdout.write(json.dumps(document) + "\n")


def as_document(file: FinishedFile) -> dict[str, Any]:
    """Return a file for programs: path, size, spec and the parity of every output."""
    return {
        "path": str(file.path),
        "size_bytes": file.size_bytes,
        "spec": json.loads(file.spec.to_json()),
        "outputs": {name: dataclasses.asdict(one) for name, one in file.parities.items()},
    }


def as_line(file: FinishedFile, *, beside: str) -> str:
    """Return a file for people: path, size, every output with its shape, and how good it is.

    Args:
        file: The file.
        beside: What its features were compared with, such as "Keras".
    """
    outputs = ", ".join(
        f"{output.name} {'x'.join(map(str, output.shape))}" for output in file.spec.outputs
    )
    primary = file.parities[file.spec.primary.name]
    return f"{file.path}  {_size_text(file)}  {outputs}  beside {beside}: {parity_text(primary)}"


def _size_text(file: FinishedFile) -> str:
    """Return the size of a file; those for columns are small."""
    if file.spec.picture is None:
        return f"{file.size_bytes / 1e3:.1f} kB"
    return f"{file.size_bytes / 1e6:.2f} MB"


def parity_text(parity: Parity) -> str:
    """Return the figures of one output as a phrase; figures that nobody knows are left out."""
    p1, shared = parity.cosine_p1, parity.neighbour_overlap_10
    parts = [
        f"cosine {parity.cosine_mean:.6f} mean, {parity.cosine_min:.6f} min",
        *([] if p1 is None else [f"{p1:.6f} p1"]),
        f"relative L2 {parity.relative_l2_mean:.1e} mean, {parity.relative_l2_max:.1e} max",
        *([] if shared is None else [f"{shared:.1%} of ten nearest neighbours shared"]),
        f"over {parity.images} pictures" if parity.rows is None else f"over {parity.rows} rows",
    ]
    return ", ".join(parts)


def refusal(error: EdgefeatError, spell: Callable[[str], str]) -> dict[str, Any]:
    """Return why nothing was done, for programs.

    Args:
        error: Why.
        spell: Turns an option into what the reader types.

    Returns:
        The kind of the error, its message, the message's parts, and each missed gate.
    """
    return {
        "error": type(error).__name__,
        "message": error.message(spell),
        **error.parts(spell),
        "reasons": [dict(reason) for reason in getattr(error, "reasons", ())],
    }
