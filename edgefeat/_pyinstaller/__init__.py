"""Tells PyInstaller where edgefeat's hooks are (entry point `pyinstaller40`).

A hook, such as `hook-edgefeat.bench.py`, says what an application with that module needs besides
the code that PyInstaller finds by itself.
"""

import os.path

__all__ = ["get_hook_dirs"]


def get_hook_dirs() -> list[str]:
    """Return the folders with hooks."""
    return [os.path.dirname(__file__)]
