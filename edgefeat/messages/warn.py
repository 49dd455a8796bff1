"""Warnings that name the line of the user's program, however deep in edgefeat the reason is."""

from __future__ import annotations

import os.path
import sys
import warnings

__all__ = ["warn_caller"]

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")


def warn_caller(message: str | Warning, category: type[Warning] | None = None) -> None:
    """Warn at the nearest line outside of edgefeat, in words or with a finished warning.

    Python 3.12 can do this by itself (`skip_file_prefixes`), Python 3.11 cannot.
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
