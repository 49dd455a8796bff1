"""A set as a DataFrame of pandas or Polars: the one file that knows them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from edgefeat.arrays import Features
from edgefeat.errors import DependencyError
from edgefeat.options import checks
from edgefeat.sets.csv_file import feature_columns
from edgefeat.sets.frames import COLUMNS, TEXTS, Frames
from edgefeat.sets.info import SetInfo
from edgefeat.sets.names import encode_name

__all__ = ["as_frame"]

_LIBRARIES = ("pandas", "polars")


def as_frame(
    info: SetInfo,
    paths: Iterable[str],
    frames: Frames | None,
    numbers: Features,
    *,
    library: str | None,
) -> Any:
    """Return a set as a DataFrame; see `FeatureSet.to_frame`.

    Args:
        info: What all rows have in common.
        paths: What the rows are called.
        frames: When the frames of a stream were taken; None for pictures.
        numbers: float32 `(N, D)`.
        library: Library that makes the DataFrame; None takes the first that is installed.

    Raises:
        DependencyError: The library is missing.
        OptionError: Another library was named.
    """
    if library is None:
        library = next((name for name in _LIBRARIES if find_spec(name)), "pandas")
    module = _module(checks.choice("library", library, *_LIBRARIES))
    facts: dict[str, Any] = {}
    if frames is not None:
        facts = {name: getattr(frames, name) for name in COLUMNS}
        for name in TEXTS:
            facts[name] = [encode_name(text) for text in facts[name]]
    # Both libraries keep texts as UTF-8, which names of files need not be: as in every format.
    encoded = [encode_name(path) for path in paths]
    columns = feature_columns(info)
    if library == "pandas":
        index = module.Index(encoded, name="path")
        named = module.DataFrame(numbers, index=index, columns=columns)
        return module.concat([module.DataFrame(facts, index=index), named], axis=1)
    named = module.DataFrame({"path": encoded, **facts})
    return named.hstack(module.from_numpy(numbers, schema=columns))


def _module(library: str) -> ModuleType:
    try:
        return import_module(library)
    except ImportError as error:
        raise DependencyError(
            f"a DataFrame needs {library}", remedy=f"Install it with `pip install {library}`."
        ) from error
