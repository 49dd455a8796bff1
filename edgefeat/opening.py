"""Opens a model's session: as asked, or on the best provider that proves itself."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress

import cv2

from edgefeat.errors import EdgefeatError
from edgefeat.modelfile import ModelFile
from edgefeat.providers import AUTO, accelerators
from edgefeat.session import EngineOptions, ProviderWarning, Session

__all__ = ["Opener", "limit_opencv_threads", "return_free_memory"]


class Opener:
    """What it takes to open one model's session."""

    def __init__(
        self, file: ModelFile, providers: str | Sequence[str], strict: bool, engine: EngineOptions
    ) -> None:
        self._file, self._strict, self._engine = file, strict, engine
        self._names = [providers] if isinstance(providers, str) else list(providers)

    def __call__(self) -> Session:
        """Open it."""
        return self._automatic() if self._names == [AUTO] else self._session(self._names)

    def _session(self, names: Sequence[str]) -> Session:
        return Session(self._file, providers=names, strict=self._strict, engine=self._engine)

    def _automatic(self) -> Session:
        """Open on the first accelerator that proves itself, else on the CPU."""
        from edgefeat.probe import run_probe

        for provider in accelerators():
            try:
                session = self._session([provider.name, "cpu"])
                result = run_probe(self._file.spec, session.run_primary, where=self._file.path)
                reason = result.describe()
            except EdgefeatError as error:
                result, reason = None, str(error)
            if result:
                return session
            warnings.warn(
                f"execution provider {provider.name!r} is not used: {reason}",
                ProviderWarning,
                stacklevel=5,
            )
        return self._session(["cpu"])


def limit_opencv_threads(threads: int) -> None:
    """Hold OpenCV to as many threads as inference, unless the program has set a number itself."""
    if cv2.getNumThreads() == cv2.getNumberOfCPUs():
        cv2.setNumThreads(threads)


def return_free_memory() -> None:
    """Hand freed memory back to the system, which glibc otherwise keeps for later."""
    import ctypes

    with suppress(OSError, AttributeError):  # musl and macOS have no malloc_trim
        ctypes.CDLL(None).malloc_trim(0)
