"""Locks from `_thread`, as `functools` and `reprlib` take them.

The module `threading` costs every start a millisecond. What runs before the first feature takes its
locks from here.
"""

from _thread import LockType, allocate_lock

__all__ = ["LockType", "allocate_lock"]
