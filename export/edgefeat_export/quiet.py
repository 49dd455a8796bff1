"""Imports TensorFlow without its greetings, for commands whose stderr is for people."""

from __future__ import annotations

import importlib
import os
import sys

__all__ = ["import_tensorflow"]


def import_tensorflow() -> None:
    """Import TensorFlow quietly: no log level silences it all, as some is written to fd 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path
        os.dup2(nowhere.fileno(), 2)
    try:
        importlib.import_module("tensorflow")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
