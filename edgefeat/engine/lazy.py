"""Keeps one model's session: opened when needed, on what proves itself; given back when idle."""

from __future__ import annotations

import os
from _thread import allocate_lock
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from edgefeat.engine.providers import AUTO, accelerators
from edgefeat.engine.session import EngineOptions, Session
from edgefeat.errors import EdgefeatError, ModelError, ProviderWarning
from edgefeat.model.file import ModelFile

if TYPE_CHECKING:
    from edgefeat.engine.idle import IdleTimer

__all__ = ["LazySession"]

_parents_sessions: list[Session | None] = []


class LazySession:
    """One model's session; may be used from several threads, and after a fork.

    Args:
        file: The model.
        providers: Names by preference, or `"auto"`.
        strict: Whether a less preferred provider is an error.
        engine: See `EngineOptions`.
        idle_unload_s: Seconds without use after which memory is given back; None is never.
        on_unload: Called when memory is given back, to give back what belongs to the model.
    """

    def __init__(
        self,
        file: ModelFile,
        providers: str | Sequence[str],
        *,
        strict: bool,
        engine: EngineOptions,
        idle_unload_s: float | None,
        on_unload: Callable[[], None],
    ) -> None:
        if idle_unload_s is not None and not idle_unload_s > 0:
            raise ValueError(f"idle_unload_s: expected more than 0 or None, got {idle_unload_s}")
        self._file, self._strict, self._engine = file, strict, engine
        self._names = [providers] if isinstance(providers, str) else list(providers)
        self._idle_unload_s, self._on_unload = idle_unload_s, on_unload
        self._idle: IdleTimer | None = None
        self._session: Session | None = None
        self._process = os.getpid()
        self._closed = False
        self._lock = allocate_lock()

    def get(self) -> Session:
        """Return the session, opened if it is not.

        Raises:
            ModelError: Closed, or the model cannot be opened.
            ProviderError: A provider is missing or does not run.
        """
        session = self._session
        if session is None or self._process != os.getpid():
            session = self._open()
        if self._idle is not None:
            self._idle.touch()
        return session

    def unload(self) -> None:
        """Give the memory back; the next use opens the session again."""
        with self._lock:
            loaded, self._session = self._session is not None, None
        if loaded:
            self._on_unload()
            _return_free_memory()

    def close(self) -> None:
        """Give the memory back for good; closing twice is fine."""
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        self.unload()

    def _open(self) -> Session:
        if self._closed:
            raise ModelError(f"{self._file.path}: this extractor was closed. Make a new one.")
        if self._process != os.getpid():
            # Forked: the parent's inference threads, its timer and whoever held the lock are not
            # here. Its session must not be torn down, which would wait for those threads.
            _parents_sessions.append(self._session)
            self._session, self._lock, self._idle = None, allocate_lock(), None
            self._process = os.getpid()
        with self._lock:
            if self._session is None:
                names = self._names
                self._session = self._automatic() if names == [AUTO] else self._on(names)
                if self._idle_unload_s is not None and self._idle is None:
                    from edgefeat.engine.idle import IdleTimer

                    self._idle = IdleTimer(self._idle_unload_s, self.unload)
            return self._session

    def _on(self, names: Sequence[str]) -> Session:
        return Session(self._file, providers=names, strict=self._strict, engine=self._engine)

    def _automatic(self) -> Session:
        """Open on the first accelerator that proves itself, else on the CPU."""
        from edgefeat.model.probe import run_probe
        from edgefeat.warn import warn_caller

        for provider in accelerators():
            try:
                session = self._on([provider.name, "cpu"])
                result = run_probe(self._file.spec, session.run_primary, where=self._file.path)
                reason = result.describe()
            except EdgefeatError as error:
                result, reason = None, str(error)
            if result:
                return session
            warn_caller(
                f"execution provider {provider.name!r} is not used: {reason}", ProviderWarning
            )
        return self._on(["cpu"])


def _return_free_memory() -> None:
    """Hand freed memory back to the system, which glibc otherwise keeps for later."""
    import ctypes

    with suppress(OSError, AttributeError):  # musl and macOS have no malloc_trim
        ctypes.CDLL(None).malloc_trim(0)
