"""An index of a large set, kept in the cache: found nearly by usearch, ranked exactly by us.

The set is the truth, the index may be deleted at any time. It is named by the set's content, so an
index of an older set, or of another model, is never found. It appears whole, and its length stands
beside it: half a file is made anew. usearch proposes several times as many rows as are wanted, and
these are ranked by their exact cosines.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgefeat.errors import DependencyError
from edgefeat.measures.similarity import cosine_similarity
from edgefeat.search.rows import Rows

if TYPE_CHECKING:
    from edgefeat.arrays import Features
    from edgefeat.search.best import Best

__all__ = ["Index", "open_index"]

_PROPOSED = 4  # times k
_LEAST_PROPOSED = 40
_LINKS, _EFFORT_ADDING, _EFFORT_SEARCHING = 16, 128, 128
_ROWS_AT_ONCE = 4096
_ADDED_AT_ONCE = 512  # a fraction of a second: so long Ctrl-C waits
_PRIVATE = 0o700


class Index:
    """An index of the rows of a set.

    Args:
        found: usearch's index.
        rows: The rows themselves.
    """

    def __init__(self, found: Any, rows: Rows) -> None:
        self._found, self._rows = found, rows

    def find_best(self, vectors: Rows | Features, k: int) -> Best:
        """Return the rows nearest to each vector by cosine, nearly always all of them.

        Args:
            vectors: What is searched for: float32 `(Q, D)`, or rows of another set.
            k: How many rows for each vector, at most.

        Returns:
            int64 `(Q, k)` and float32 `(Q, k)`, best first: positions and exact cosines.
        """
        k = min(k, len(self._rows))
        positions = np.empty((len(vectors), k), np.int64)
        scores = np.empty((len(vectors), k), np.float32)
        proposed = min(len(self._rows), max(_LEAST_PROPOSED, _PROPOSED * k))
        each: Iterable[Features] = vectors if isinstance(vectors, np.ndarray) else ()
        if isinstance(vectors, Rows):
            each = (row for block in vectors.blocks(_ROWS_AT_ONCE) for row in block.decode())
        for number, vector in enumerate(each):
            with _interruptible():
                near = np.sort(np.array(self._found.search(vector, proposed).keys, np.intp))
            cosines = np.atleast_1d(cosine_similarity(vector, self._rows.take(near)))
            best = np.argsort(-cosines, kind="stable")[:k]
            positions[number], scores[number] = near[best], cosines[best]
        return positions, scores


def open_index(
    rows: Rows,
    identity: str,
    folder: Path | None,
    *,
    on_rows: Callable[[int], None] = lambda _count: None,
) -> Index:
    """Open the index of some rows, or build it and keep it.

    Args:
        rows: The rows of a set.
        identity: A hash of the set's content, which names the index.
        folder: Where indexes are kept; made if it is missing. None keeps nothing.
        on_rows: Called with how many rows were just added.

    Raises:
        DependencyError: usearch is missing.
    """
    usearch = _usearch()
    name = hashlib.sha256(identity.encode()).hexdigest()[:32]
    path = None if folder is None else folder / f"{name}.usearch"
    expected = {"rows": len(rows), "dim": sum(rows.widths), "identity": identity}
    if path is not None and _is_whole(path, expected):
        return Index(usearch.Index.restore(str(path), view=True), rows)
    built = usearch.Index(
        ndim=sum(rows.widths),
        metric="cos",
        dtype="i8",
        connectivity=_LINKS,
        expansion_add=_EFFORT_ADDING,
        expansion_search=_EFFORT_SEARCHING,
    )
    for block in rows.blocks(_ADDED_AT_ONCE):
        positions, threads = block.positions.astype(np.uint64), os.cpu_count() or 1
        with _interruptible():
            built.add(positions, block.decode(), threads=threads)
        on_rows(len(block))
    if path is not None:
        _keep(built, path, expected)
    return Index(built, rows)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt for a signal that usearch took itself and made a RuntimeError of."""
    try:
        yield
    except RuntimeError as error:
        if "terminated" not in str(error):
            raise
        raise KeyboardInterrupt from error


def _is_whole(path: Path, expected: dict[str, Any]) -> bool:
    """Return whether an index is there, of this set, and as long as it was written."""
    try:
        told = json.loads(_beside(path).read_text())
        size = path.stat().st_size
    except (OSError, ValueError):
        return False
    return bool(told == {**expected, "bytes": size})


def _keep(built: Any, path: Path, expected: dict[str, Any]) -> None:
    """Write an index and then, beside it, what it must be; a full disk only costs the time."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        _beside(path).unlink(missing_ok=True)
        built.save(str(part))
        with part.open("rb") as file:
            os.fsync(file.fileno())
        size = part.stat().st_size
        part.replace(path)
        _beside(path).write_text(json.dumps({**expected, "bytes": size}))
    except (OSError, RuntimeError):
        pass  # the search goes on without the file
    finally:
        with suppress(OSError):
            part.unlink()


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _usearch() -> Any:
    # usearch 2.26 loaded before ONNX Runtime 1.32 crashes the process; the other order is fine.
    import edgefeat.engine.cpu  # noqa: F401

    try:
        from usearch import index
    except ImportError as error:
        raise DependencyError(
            "searching by an index needs usearch",
            remedy="Install it with `pip install 'edgefeat[search]'`.",
        ) from error
    return index
