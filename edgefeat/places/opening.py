"""Opens the place that a path or a URL names."""

from __future__ import annotations

from edgefeat.places.address import is_url
from edgefeat.places.local import LocalPlace
from edgefeat.places.place import FilePlace

__all__ = ["open_place"]


def open_place(address: str) -> FilePlace:
    """Return the place that a folder's path or a URL names; it need not be there yet.

    Raises:
        DependencyError: A URL needs a package that is missing.
        SourceError: The URL's scheme is unknown.
    """
    if not is_url(address):
        return LocalPlace(address)
    from edgefeat.places.remote import RemotePlace

    return RemotePlace(address)
