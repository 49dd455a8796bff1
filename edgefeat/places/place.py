"""A place that several machines read and write: whole files by name, and nothing else.

    place = open_place("s3://bucket/set")        # or a folder: open_place("/mnt/share/set")
    place.write("plan.json", content)            # whole: a reader never sees half of it
    place.read("plan.json"), place.names("")

A file is written by one rename or one PUT, so that writing it twice does no harm. A folder needs
the standard library; a URL needs fsspec (`pip install 'edgefeat[remote]'`) and the package of its
scheme, such as s3fs.
"""

from __future__ import annotations

from typing import IO, Protocol

__all__ = ["FilePlace"]


class FilePlace(Protocol):
    """A folder, or a prefix of an object store."""

    name: str
    """What a person calls it, never with a password."""

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes, or None if there is no such file.

        Raises:
            SourceError: It cannot be read.
        """

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole; what had the name before is replaced in one step.

        Raises:
            SinkError: It cannot be written.
        """

    def names(self, folder: str = "") -> list[str]:
        """Return the names of the files right below a folder of the place, sorted.

        Raises:
            SourceError: It cannot be listed.
        """

    def written(self) -> dict[str, float | None]:
        """Return when each file right in the place was written, in seconds of Unix time.

        None stands where the store does not say.

        Raises:
            SourceError: It cannot be listed.
        """

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading anywhere in it.

        Raises:
            SourceError: It is not there, or cannot be read.
        """
