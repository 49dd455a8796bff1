"""Attaches a saved head in a process of its own; run as `python -m` by `attach_file`.

The request comes on stdin and the answer goes to stdout, both as JSON. What the file's code prints
goes to stderr.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgefeat import errors as runtime_errors
from edgefeat.errors import ExplainedError
from edgefeat_export import errors as export_errors
from edgefeat_export.attaching.attach import Attached, attach
from edgefeat_export.attaching.opening import check_head, open_head
from edgefeat_export.attaching.refusing import KERAS_FILES
from edgefeat_export.border import REPORT, explained
from edgefeat_export.errors import ConversionError
from edgefeat_export.quiet import import_tensorflow

__all__ = ["attach_file"]


def attach_file(
    head: str | os.PathLike[str],
    model: str | os.PathLike[str],
    rows: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    photos_root: str | os.PathLike[str] | None = None,
    photo: str | None = None,
    classes: Sequence[str] | None = None,
    trust_pickle: bool = False,
) -> Attached:
    """Attach a head that was saved to a file; see `attach`.

    Args:
        head: The file: `.skops`, a pickle that is trusted, `.keras` or `.h5`.
        model: The model file.
        rows: A CSV or Parquet file to compare on.
        output: The file to write.
        photos_root: The folder at which paths in `rows` start.
        photo: The column of photos, where the head does not name one.
        classes: Names of a Keras model's classes.
        trust_pickle: Whether a pickle may run the code that it holds.

    Raises:
        EdgefeatError: As by `attach`, and where the file cannot be opened.
        OptionError: As by `attach`.
    """
    check_head(Path(head), trust_pickle=trust_pickle)
    request = {
        "head": os.fspath(head),
        "model": os.fspath(model),
        "rows": os.fspath(rows),
        "output": os.fspath(output),
        "photos_root": None if photos_root is None else os.fspath(photos_root),
        "photo": photo,
        "classes": None if classes is None else list(classes),
        "trust_pickle": trust_pickle,
    }
    done = subprocess.run(
        [sys.executable, "-m", "edgefeat_export.attaching.child"],
        input=json.dumps(request),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError as error:
        raise ConversionError(
            f"opening it ended the process with {done.returncode}", where=head
        ) from error
    if "error" in answer:
        raise _error(answer["error"])
    answer["path"] = Path(answer["path"])
    for name in ("columns", "classes"):
        answer[name] = None if answer[name] is None else tuple(answer[name])
    return Attached(**answer)


def _error(parts: dict[str, Any]) -> ExplainedError:
    name = parts.pop("kind")
    kind = getattr(export_errors, name, getattr(runtime_errors, name, ConversionError))
    error: ExplainedError = kind(parts.pop("problem"), **parts)
    return error


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    head = request.pop("head")
    trust = request.pop("trust_pickle")
    try:
        with explained("cannot be attached", where=head, remedy=REPORT, error=ConversionError):
            if Path(head).suffix in KERAS_FILES:
                import_tensorflow()
            opened = open_head(Path(head), trust_pickle=trust)
            return dataclasses.asdict(attach(opened, **request))
    except ExplainedError as error:
        parts = {key: getattr(error, key) for key in ("problem", "where", "remedy", "option")}
        return {"error": {"kind": type(error).__name__, **parts}}


if __name__ == "__main__":
    answers = os.dup(1)
    os.dup2(2, 1)  # what the file's code prints is no answer
    found = _answer(json.load(sys.stdin))
    with os.fdopen(answers, "w") as stream:
        json.dump(found, stream, default=str)
