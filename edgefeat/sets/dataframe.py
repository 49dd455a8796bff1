"""A set as a DataFrame of pandas or Polars: the one file that knows them."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from edgefeat.errors import DependencyError
from edgefeat.options import checks
from edgefeat.sets.csv_file import feature_columns
from edgefeat.sets.frames import COLUMNS
from edgefeat.sets.names import encode_name

if TYPE_CHECKING:
    from edgefeat.sets.featureset import FeatureSet

__all__ = ["as_frame"]

_LIBRARIES = ("pandas", "polars")


def as_frame(features: FeatureSet, library: str | None) -> Any:
    """Return a set as a DataFrame; see `FeatureSet.to_frame`."""
    if library is None:
        library = next((name for name in _LIBRARIES if find_spec(name)), "pandas")
    module = _module(checks.choice("library", library, *_LIBRARIES))
    numbers = features.features.reshape(len(features), -1)
    facts: dict[str, Any] = {}
    if features.frames is not None:
        facts = {name: getattr(features.frames, name) for name in COLUMNS}
        facts["source"] = [encode_name(name) for name in features.frames.source]
    # Both libraries keep texts as UTF-8, which names of files need not be: as in every format.
    paths = [encode_name(path) for path in features.paths]
    columns = feature_columns(features.info)
    if library == "pandas":
        index = module.Index(paths, name="path")
        named = module.DataFrame(numbers, index=index, columns=columns)
        return module.concat([module.DataFrame(facts, index=index), named], axis=1)
    named = module.DataFrame({"path": paths, **facts})
    return named.hstack(module.from_numpy(numbers, schema=columns))


def _module(library: str) -> ModuleType:
    try:
        return import_module(library)
    except ImportError as error:
        raise DependencyError(
            f"a DataFrame needs {library}", remedy=f"Install it with `pip install {library}`."
        ) from error
