"""Loads a module without looking for garbage meanwhile: that was a twentieth of the first feature.

What NumPy, OpenCV, ONNX Runtime and our own modules make while they are loaded stays for good.
Python's collector goes through it again and again all the same. So it waits until all is loaded,
and then takes what came for old.
"""

from __future__ import annotations

import gc
from importlib import import_module
from types import ModuleType

__all__ = ["load"]


def load(name: str) -> ModuleType:
    """Import a module by its name, and leave the collector as it was."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return import_module(name)
    finally:
        if collecting:
            if gc.get_freeze_count() == 0:  # else the program has frozen objects of its own
                gc.freeze()
                gc.unfreeze()  # into the oldest generation
            gc.enable()
