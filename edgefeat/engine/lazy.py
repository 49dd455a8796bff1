"""Keeps one model's session: opens it when it is needed, and closes it when it is idle."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from edgefeat.engine.providers import accelerators
from edgefeat.engine.session import Session
from edgefeat.errors import EdgefeatError, ModelError, ProviderWarning
from edgefeat.locks import allocate_lock
from edgefeat.model.file import ModelFile
from edgefeat.options.extractor import AUTO, EngineOptions

if TYPE_CHECKING:
    from edgefeat.engine.idle import IdleTimer

__all__ = ["LazySession"]

_left_by_forks: list[Session | None] = []
"""Sessions of this process's parents. Nothing uses them; tearing one down here would hang, because
it waits for the parent's threads."""


class LazySession:
    """One model's session; may be used from several threads, and after a fork.

    Args:
        file: The model.
        engine: Providers, threads, and when memory is given back.
        on_unload: Called when memory is given back, to give back what belongs to the model.
    """

    def __init__(
        self,
        file: ModelFile,
        engine: EngineOptions,
        *,
        on_unload: Callable[[], None],
    ) -> None:
        self._file, self._engine, self._on_unload = file, engine, on_unload
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
            raise ModelError(
                "this extractor was closed", where=self._file.path, remedy="Make a new one."
            )
        if self._process != os.getpid():
            # Forked: the parent's inference threads, its timer and the thread that may hold the
            # lock do not exist here.
            _left_by_forks.append(self._session)
            self._session, self._lock, self._idle = None, allocate_lock(), None
            self._process = os.getpid()
        with self._lock:
            if self._session is None:
                names, idle_unload_s = self._engine.providers, self._engine.idle_unload_s
                self._session = self._automatic() if names == (AUTO,) else self._on(names)
                if idle_unload_s is not None and self._idle is None:
                    from edgefeat.engine.idle import IdleTimer

                    self._idle = IdleTimer(idle_unload_s, self.unload)
            return self._session

    def _on(self, names: Sequence[str]) -> Session:
        engine = self._engine
        return Session(self._file, providers=names, strict=engine.strict, engine=engine)

    def _automatic(self) -> Session:
        """Open on the first accelerator that proves itself, else on the CPU."""
        from edgefeat.messages.warn import warn_caller
        from edgefeat.model.probe import run_probe

        for provider in accelerators():
            try:
                session = self._on([provider.name, "cpu"])
                result = run_probe(self._file.spec, session.compute, where=self._file.path)
            except EdgefeatError as error:
                warn_caller(f"{error.problem}; auto goes on without it", ProviderWarning)
                continue
            if result and result.exact is not False:
                return session
            why = result.describe()
            if result:
                why = (
                    "its features are near, but not the bits that every CPU gives; name it to use "
                    "it all the same"
                )
            warn_caller(f"execution provider {provider.name!r} is not used: {why}", ProviderWarning)
        return self._on(["cpu"])


def _return_free_memory() -> None:
    """Hand freed memory back to the system, which glibc otherwise keeps for later."""
    import ctypes

    with suppress(OSError, AttributeError):  # musl and macOS have no malloc_trim
        ctypes.CDLL(None).malloc_trim(0)
