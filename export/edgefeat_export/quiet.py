"""Imports TensorFlow without its greetings, for commands whose stderr is for people."""

from __future__ import annotations

import importlib
import os
import sys

from edgefeat.errors import DependencyError

__all__ = ["import_tensorflow"]


def import_tensorflow() -> None:
    """Import TensorFlow with stderr closed to it.

    No log level silences it all, for some of it is written straight to the file descriptor.

    Raises:
        DependencyError: It is missing or broken.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path
        os.dup2(nowhere.fileno(), 2)
    try:
        importlib.import_module("tensorflow")
    except ImportError as error:
        raise DependencyError(
            f"TensorFlow cannot be imported: {error}",
            remedy="Run `pip install edgefeat-export` again, in an environment of its own.",
        ) from error
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
