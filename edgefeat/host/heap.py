"""Keeps freed memory with the process, where a host program made the C library give it back."""

from __future__ import annotations

import ctypes
from contextlib import suppress

__all__ = ["keep_freed_memory"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # as <malloc.h> of glibc numbers them
_LARGEST_KEPT = 32 * 2**20  # bytes of one block: what glibc comes to by itself
_MOST_KEPT = 64 * 2**20  # bytes at the end of the heap


def keep_freed_memory() -> None:
    """Let glibc keep the memory of one picture for the next one, as it does by itself in Python.

    A process of Ray gives each decoded picture's memory back, and takes it anew from the system
    for the next: a third more CPU. Other C libraries are left as they are.
    """
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
        library.mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT)
