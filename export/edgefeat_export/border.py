"""The border to Keras, TensorFlow and tf2onnx: what they raise becomes one line of ours.

They raise whatever a file makes them stumble over: a KeyError, a RecursionError, an error of the
runtime with a page of text. What helps a reader is the innermost reason, in one line.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from edgefeat.errors import ExplainedError
from edgefeat_export.errors import BackboneError, ExportError

__all__ = ["REPORT", "explained", "innermost"]

REPORT = "Report it with the model: the exporter did not expect this."
"""What to do where nothing better is known."""

_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EPIPE)
_LONGEST = 300  # characters of a foreign text
_INSIDE = "Exception encountered:"  # Keras writes it in front of the reason of a reason
_NOISE = re.compile(
    r"^(Graph execution error|Detected at node|<stack traces unavailable|Traceback|File \"|\[\[|"
    r"Arguments received by|  |config=|\d+ error\(s\)|node '|Stack trace)"
)


@contextmanager
def explained(
    doing: str, *, where: object, remedy: str, error: type[ExportError] = BackboneError
) -> Iterator[None]:
    """Turn every foreign exception into one of ours, in one line.

    Args:
        doing: What could not be done, such as "Keras cannot run it".
        where: The model that is meant.
        remedy: What the user can do.
        error: Type of the error.

    Raises:
        ExportError: Something foreign was raised. Errors of ours pass as they are, and so does a
            full disk.
    """
    try:
        yield
    except ExplainedError:
        raise
    except OSError as full:
        if full.errno in _OF_THE_MACHINE:
            raise
        raise error(f"{doing}: {innermost(full)}", where=where, remedy=remedy) from full
    except Exception as foreign:  # the border: whatever it is, it is raised again, as one of ours
        raise error(f"{doing}: {innermost(foreign)}", where=where, remedy=remedy) from foreign


def innermost(error: BaseException) -> str:
    """Return the reason behind all reasons of an exception, in one line.

    The exceptions that led to it are followed, and so are the reasons that Keras writes into the
    text of an exception.
    """
    seen = {id(error)}
    while (inner := error.__cause__ or error.__context__) is not None and id(inner) not in seen:
        if not str(inner).strip():
            break
        seen.add(id(inner))
        error = inner
    text = str(error).rpartition(_INSIDE)[2]
    lines = [line.strip() for line in text.splitlines() if not _NOISE.match(line.strip() or "  ")]
    said = " ".join(next((line for line in lines if line), "").split())
    if isinstance(error, KeyError | RecursionError | MemoryError) or len(said) < 20:
        said = f"{type(error).__name__} {said}".strip()
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
