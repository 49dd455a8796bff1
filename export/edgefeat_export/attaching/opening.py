"""Opens a saved head: `.skops` by an allow-list, pickles only where the user trusts them.

A pickle runs whatever code it holds. skops files hold data and names of types; what is not on its
own list or on ours is refused by name, before anything is made of it. A Keras model is read as
data (`edgefeat_export.saved`). Each is opened in a process of its own, by `attaching.child`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgefeat.errors import DependencyError
from edgefeat_export.attaching.refusing import KERAS_FILES
from edgefeat_export.attaching.trusted import TRUSTED
from edgefeat_export.errors import ConversionError

__all__ = ["check_head", "open_head"]

_PICKLES = (".joblib", ".pickle", ".pkl")
_LARGEST_BYTES = 1 << 30


def check_head(path: Path, *, trust_pickle: bool) -> None:
    """Raise unless a file may be opened at all; nothing in it is looked at.

    Args:
        path: The file.
        trust_pickle: Whether its owner trusts a pickle.

    Raises:
        ConversionError: It is missing, too large, a pickle that is not trusted, or something else.
    """
    if not path.is_file():
        raise ConversionError("no such file", where=path, remedy="Check the path.")
    if path.stat().st_size > _LARGEST_BYTES:
        raise ConversionError(
            f"{path.stat().st_size / 1e9:.1f} GB, expected 1 GB at most", where=path
        )
    if path.suffix in _PICKLES:
        if not trust_pickle:
            raise ConversionError(
                "a pickle, which runs whatever code it holds",
                where=path,
                option="trust_pickle",
                remedy="Save the pipeline by skops.io.dump(pipeline, 'head.skops'); or pass "
                "{option} if you made the file yourself.",
            )
    elif path.suffix not in (".skops", *KERAS_FILES):
        raise ConversionError(
            f"expected a pipeline of scikit-learn in a file that ends in .skops, or in "
            f"{', '.join(_PICKLES)}, or a model of Keras in {' or '.join(KERAS_FILES)}, got "
            f"{path.suffix!r}",
            where=path,
            remedy="Save it by skops.io.dump(pipeline, 'head.skops').",
        )


def open_head(path: Path, *, trust_pickle: bool) -> Any:
    """Open a saved pipeline; see `check_head`. A Keras model's file is returned as its path.

    Args:
        path: The file.
        trust_pickle: Whether its owner trusts a pickle.

    Raises:
        ConversionError: It cannot be opened, or holds types that are not known.
        DependencyError: skops or joblib is missing.
    """
    check_head(path, trust_pickle=trust_pickle)
    if path.suffix in KERAS_FILES:
        return path
    try:
        return _unpickled(path) if path.suffix in _PICKLES else _from_skops(path)
    except ModuleNotFoundError as error:
        if error.name in ("joblib", "skops", "sklearn"):
            raise DependencyError(
                f"{error.name} is missing",
                remedy=f"Install it: pip install 'edgefeat-export[attach]' ({error.name}).",
            ) from error
        raise ConversionError(f"cannot be opened: {error}", where=path) from error


def _from_skops(path: Path) -> Any:
    from skops import io

    try:
        unknown = sorted(set(io.get_untrusted_types(file=path)) - TRUSTED)
        if not unknown:
            return io.load(path, trusted=sorted(TRUSTED))
    except Exception as error:  # skops raises whatever it meets in the file
        raise ConversionError(f"cannot be opened: {_line(error)}", where=path) from error
    raise ConversionError(
        f"holds types that are not known to be safe: {', '.join(unknown[:5])}",
        where=path,
        option="trust_pickle",
        remedy="Build the pipeline of scikit-learn's own classes and ImageFeatures. One of "
        "LightGBM or XGBoost that you made yourself can be saved by joblib.dump, and opened with "
        "{option}; or be given to edgefeat_export.attach as it is.",
    )


def _unpickled(path: Path) -> Any:
    import joblib

    try:
        return joblib.load(path)
    except Exception as error:  # whatever the code in it raises
        raise ConversionError(f"cannot be opened: {_line(error)}", where=path) from error


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
