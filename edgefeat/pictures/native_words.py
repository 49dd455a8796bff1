"""Catches what native decoders write to stderr, each thread's apart, so that it can be attributed.

libjpeg and libpng tell of damage in one place only: a line on C's `stderr`, without the file's
name. `stderr` is a variable in glibc, which "you can set just like any others" (GNU C Library
manual, Standard Streams). While pictures are being decoded it is a stream of ours (`fopencookie`),
which keeps the words of each decoding thread apart and passes those of all other threads on. File
descriptors stay as they are. Where the C library has no such stream nothing is caught.

OpenCV's own log goes elsewhere (C++). It is silent meanwhile, unless the program asked for more
than warnings.
"""

from __future__ import annotations

import ctypes
import os
from _thread import get_ident
from types import TracebackType
from typing import Any

import cv2

from edgefeat.locks import allocate_lock

__all__ = ["Words", "can_listen", "listening"]

_UNBUFFERED = 2  # _IONBF
_STDERR = 2  # the file descriptor
_SILENT, _WARNING = 0, 3  # two of OpenCV's log levels
_MOST_BYTES = 2**14  # kept of one decode: a damaged picture may give a line for every block
_WRITE = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class Words:
    """What one thread's decoder has said so far."""

    def __init__(self) -> None:
        self._said = bytearray()
        self.interrupted: BaseException | None = None

    def add(self, words: bytes) -> None:
        """Take in what was written."""
        self._said += words[: _MOST_BYTES - len(self._said)]

    @property
    def lines(self) -> list[str]:
        """The lines, without empty ones."""
        if not self._said:
            return []
        text = self._said.decode("utf-8", "replace")
        return [line.strip() for line in text.splitlines() if line.strip()]


class _CookieFunctions(ctypes.Structure):
    """What a stream of `fopencookie` calls."""

    _fields_ = (
        ("read", ctypes.c_void_p),
        ("write", _WRITE),
        ("seek", ctypes.c_void_p),
        ("close", ctypes.c_void_p),
    )


def _home_of_log_level() -> Any:
    """Return what has `getLogLevel`: a module of its own in OpenCV 5, `cv2` itself in OpenCV 4."""
    return getattr(cv2.utils, "logging", cv2)


class _Ear:
    """The stream in the place of `stderr`, for the whole process; it is made once and kept."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._listeners: dict[int, Words] = {}
        self._stderr: Any = None
        self._ours: int | None = None
        self._usual: int | None = None
        self._usual_level: int | None = None
        try:
            c = ctypes.CDLL(None)
            _ = c.gnu_get_libc_version  # elsewhere `stderr` may be a constant
            self._write = _WRITE(self._written)  # kept alive: C calls it
            c.fopencookie.restype = ctypes.c_void_p
            c.fopencookie.argtypes = [ctypes.c_void_p, ctypes.c_char_p, _CookieFunctions]
            self._ours = c.fopencookie(None, b"w", _CookieFunctions(None, self._write, None, None))
            if self._ours:
                c.setvbuf(ctypes.c_void_p(self._ours), None, _UNBUFFERED, 0)
                self._stderr = ctypes.c_void_p.in_dll(c, "stderr")
        except (OSError, AttributeError, ValueError, MemoryError):  # no glibc, or no callbacks
            self._stderr = None

    @property
    def works(self) -> bool:
        return self._stderr is not None

    def enter(self, words: Words) -> None:
        with self._lock:
            if not self._listeners:
                self._quieten()
            self._listeners[get_ident()] = words

    def leave(self) -> None:
        with self._lock:
            self._listeners.pop(get_ident(), None)
            if not self._listeners:
                self._restore()

    def forked(self) -> None:
        """Start afresh in a child process, where no other thread decodes any more."""
        self._lock = allocate_lock()
        self._listeners.clear()
        self._restore()

    def _quieten(self) -> None:
        if self._stderr is not None:
            self._usual, self._stderr.value = self._stderr.value, self._ours
        opencv = _home_of_log_level()
        level = opencv.getLogLevel()
        if _SILENT < level <= _WARNING:
            self._usual_level = level
            opencv.setLogLevel(_SILENT)

    def _restore(self) -> None:
        # Whatever somebody else has set meanwhile stays.
        if self._usual is not None and self._stderr.value == self._ours:
            self._stderr.value = self._usual
        self._usual = None
        opencv = _home_of_log_level()
        if self._usual_level is not None and opencv.getLogLevel() == _SILENT:
            opencv.setLogLevel(self._usual_level)
        self._usual_level = None

    def _written(self, _cookie: object, text: int, length: int) -> int:
        """Called by C in the thread that writes."""
        try:
            data = ctypes.string_at(text, length)
            words = self._listeners.get(get_ident())
            if words is None:
                os.write(_STDERR, data)
            else:
                words.add(data)
        except OSError:  # stderr is closed
            pass
        except BaseException as error:  # noqa: BLE001 - a Ctrl-C: C cannot pass it on, `listening` can
            if words := self._listeners.get(get_ident()):
                words.interrupted = error
        return length


_ear = _Ear()
os.register_at_fork(after_in_child=_ear.forked)


def can_listen() -> bool:
    """Return whether native words are caught on this system."""
    return _ear.works


class listening:  # noqa: N801 - used as a function: with listening() as words
    """Catch what this thread's decoder writes to `stderr` inside a `with` block."""

    def __enter__(self) -> Words:
        self._words = Words()
        try:
            _ear.enter(self._words)
        except BaseException:  # a Ctrl-C: nothing may stay replaced
            _ear.leave()
            raise
        return self._words

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _ear.leave()
        if self._words.interrupted is not None:
            raise self._words.interrupted
