"""Places and files behind URLs: the one file that knows fsspec.

Whatever a store answers becomes one of our errors, without the passwords of the URL. What may pass
(a time-out, a reset, "slow down") is tried again; what will not (no such file, no permission) is
not. Listings are never kept: another machine may have written in between.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import IO, Any, TypeVar, cast

from edgefeat.errors import DependencyError, EdgefeatError, SinkError, SourceError
from edgefeat.places.address import shown

__all__ = ["RemoteFiles", "RemotePlace"]

Result = TypeVar("Result")
_TRIES = 5
_WITH_FOLDERS = ("file", "local", "memory")  # object stores have none to make
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 4.0
_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs"}
_PACKAGES |= {"abfss": "adlfs", "az": "adlfs", "http": "aiohttp", "https": "aiohttp"}


class RemoteFiles:
    """The files of one store, by their URLs.

    Args:
        url: Any URL of the store; its scheme says which.

    Raises:
        DependencyError: fsspec, or the package of the scheme, is missing.
        SourceError: Nobody knows the scheme.
    """

    def __init__(self, url: str) -> None:
        self._scheme = url.partition("://")[0]
        self._fs = _file_system(url)

    def read(self, url: str, start: int | None = None, stop: int | None = None) -> bytes | None:
        """Return a file's bytes, or some of them; None if there is no such file.

        Args:
            url: The file.
            start: The first byte; None is the beginning.
            stop: The byte after the last one; None is the end.

        Raises:
            SourceError: It cannot be read.
        """
        path = self._path(url)

        def read() -> bytes | None:
            try:
                return cast("bytes", self._fs.cat_file(path, start=start, end=stop))
            except FileNotFoundError:
                return None

        return _tried(read, url, SourceError)

    def write(self, url: str, content: bytes) -> None:
        """Write a file whole, by one request.

        Raises:
            SinkError: It cannot be written.
        """
        path = self._path(url)

        def write() -> None:
            if self._scheme in _WITH_FOLDERS:
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._fs.pipe_file(path, content)

        _tried(write, url, SinkError)

    def size_bytes(self, url: str) -> int:
        """Return how long a file is.

        Raises:
            SourceError: It is not there, or cannot be read.
        """
        return int(_tried(lambda: self._fs.info(self._path(url))["size"], url, SourceError))

    def open(self, url: str) -> IO[bytes]:
        """Open a file for reading anywhere in it.

        Raises:
            SourceError: It is not there, or cannot be read.
        """
        path = self._path(url)
        opened = _tried(lambda: self._fs.open(path, "rb"), url, SourceError)
        return cast("IO[bytes]", opened)

    def is_folder(self, url: str) -> bool:
        """Return whether a URL names a folder, or a prefix with something below it.

        Raises:
            SourceError: It cannot be asked.
        """
        return bool(_tried(lambda: self._fs.isdir(self._path(url)), url, SourceError))

    def below(self, url: str) -> Iterator[tuple[str, bool]]:
        """Yield what is right below a folder, sorted: its URL, and whether it is a folder.

        Raises:
            SourceError: It cannot be listed.
        """
        found = [(one, entry["type"] == "directory") for one, entry in self.entries(url)]
        yield from sorted(found, key=lambda one: f"{one[0]}/" if one[1] else one[0])

    def entries(self, url: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what is right below a folder: its URL, and what the store says of it.

        Raises:
            SourceError: It cannot be listed.
        """
        path = self._path(url).rstrip("/")

        def entries() -> list[dict[str, Any]]:
            self._fs.invalidate_cache()
            try:
                return cast("list[dict[str, Any]]", self._fs.ls(path, detail=True))
            except FileNotFoundError:
                return []

        for entry in _tried(entries, url, SourceError):
            plain = str(entry["name"]).rstrip("/")
            if plain != path:
                yield self._fs.unstrip_protocol(plain), entry

    def _path(self, url: str) -> str:
        return str(self._fs._strip_protocol(url))


class RemotePlace:
    """A prefix of a store as a place; see `edgefeat.places.place.FilePlace`.

    Args:
        url: The prefix.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._files = RemoteFiles(url)
        self.name = shown(url)

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes, or None if there is no such file."""
        return self._files.read(f"{self._url}/{name}")

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole."""
        self._files.write(f"{self._url}/{name}", content)

    def names(self, folder: str = "") -> list[str]:
        """Return the names of the files right below a folder, sorted."""
        url = f"{self._url}/{folder}" if folder else self._url
        below = self._files.below(url)
        return sorted(one.rpartition("/")[2] for one, is_folder in below if not is_folder)

    def written(self) -> dict[str, float | None]:
        """Return when each file right in the place was written."""
        return {
            one.rpartition("/")[2]: _written_s(entry)
            for one, entry in self._files.entries(self._url)
            if entry["type"] != "directory"
        }

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading."""
        return self._files.open(f"{self._url}/{name}")


def _written_s(entry: dict[str, Any]) -> float | None:
    """Return when a file was written, as the stores have it: S3, GCS, others."""
    for key in ("LastModified", "last_modified", "updated", "mtime", "created"):
        value = entry.get(key)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return None


def _file_system(url: str) -> Any:
    scheme = url.partition("://")[0]
    try:
        import fsspec
    except ImportError as error:
        raise DependencyError(
            f"{scheme}:// needs fsspec",
            where=shown(url),
            remedy="Install it with `pip install 'edgefeat[remote]'`.",
        ) from error
    _hush()
    try:
        system, _ = fsspec.url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        package = _PACKAGES.get(scheme, "its package")
        raise DependencyError(
            f"{scheme}:// needs {package}",
            where=shown(url),
            remedy=f"Install it with `pip install {package}`.",
        ) from error
    except ValueError as error:
        raise SourceError(
            f"no scheme {scheme!r} is known",
            where=shown(url),
            remedy="Name a folder, or a URL such as s3://bucket/folder.",
        ) from error
    except Exception as error:
        raise _told(error, url, SourceError) from error
    return system


def _tried(work: Callable[[], Result], url: str, kind: type[EdgefeatError]) -> Result:
    """Return what some work gives; faults that may pass are tried again after a pause."""
    pause_s = _FIRST_PAUSE_S
    for attempt in range(1, _TRIES + 1):
        try:
            return work()
        except EdgefeatError:
            raise
        except Exception as error:
            if attempt == _TRIES or _will_not_pass(error):
                raise _told(error, url, kind, attempt) from error
        time.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - so that workers spread
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    raise AssertionError("the last attempt returns or raises")


def _will_not_pass(error: Exception) -> bool:
    refused = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
    return isinstance(error, (*refused, NotImplementedError, TypeError, ValueError)) or (
        type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError", "HttpError")
        and getattr(error, "code", 0) not in (429, 500, 502, 503, 504)
    )


def _told(error: Exception, url: str, kind: type[EdgefeatError], tries: int = 1) -> EdgefeatError:
    """Return our error of what a store answered."""
    where = shown(url)
    remedy = "Check the address, the network and what you may do there."
    if isinstance(error, FileNotFoundError):
        return kind("no such file or bucket", where=where, remedy="Check the address.")
    if type(error).__name__ == "NoCredentialsError":
        return kind(
            "the store wants a log-in and none was found",
            where=where,
            remedy="Set the variables or the file that the store's own tools read.",
        )
    if isinstance(error, PermissionError):
        remedy = "Check what the log-in that your environment holds may do there."
    answer = shown_text(str(error) or type(error).__name__, url)
    tried = f" ({tries} tries)" if tries > 1 else ""
    return kind(f"the store answers: {answer}{tried}", where=where, remedy=remedy)


def shown_text(text: str, url: str) -> str:
    """Return what a store said on one line, without what is secret in the URL."""
    from edgefeat.messages.redact import redact

    plain = " ".join(text.replace(url, shown(url)).split())
    return redact(plain)[:300].rstrip(".")


def _hush() -> None:
    """Keep the stores' libraries from writing tracebacks to stderr by themselves."""
    for name in ("fsspec", "s3fs", "gcsfs", "aiobotocore", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
