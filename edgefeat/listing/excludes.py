"""Which files and folders are left out on purpose: what systems put beside pictures, and globs."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

__all__ = ["DEFAULT_EXCLUDES", "Excludes"]

DEFAULT_EXCLUDES = (".*", "@eaDir", "#recycle", "__MACOSX", "Thumbs.db", "desktop.ini")
"""Dot files, and what Synology, macOS and Windows keep beside pictures."""


class Excludes:
    """Patterns of `fnmatch`, and how often each was of use.

    A pattern without a slash is matched with the name of a file or folder, at any depth. One with a
    slash is matched with the path below the source, where `*` matches slashes too.

    Args:
        patterns: The user's.
        defaults: Whether `DEFAULT_EXCLUDES` count too.

    Attributes:
        by_default: Files and folders that a default pattern left out.
        by_user: Files and folders that a pattern of the user left out.
    """

    def __init__(self, patterns: Sequence[str] = (), *, defaults: bool = True) -> None:
        self._patterns = dict.fromkeys(patterns, 0)
        self._defaults = DEFAULT_EXCLUDES if defaults else ()
        self.by_default = self.by_user = 0

    def leave_out(self, name: str, below: str) -> bool:
        """Return whether to leave out a file or folder, and count it.

        Args:
            name: The last part of its path.
            below: Path below the source that the user named.
        """
        for pattern in self._patterns:
            if _matches(pattern, name, below):
                self._patterns[pattern] += 1
                self.by_user += 1
                return True
        if any(fnmatchcase(name, pattern) for pattern in self._defaults):
            self.by_default += 1
            return True
        return False

    def leave_out_path(self, below: str) -> bool:
        """Return whether to leave out a path, or a folder that it is in, and count it once."""
        parts = below.split("/")
        return any(
            self.leave_out(name, "/".join(parts[: depth + 1]))
            for depth, name in enumerate(parts)
            if name not in ("", ".", "..")
        )

    @property
    def of_no_use(self) -> list[str]:
        """The user's patterns that matched nothing."""
        return [pattern for pattern, count in self._patterns.items() if not count]


def _matches(pattern: str, name: str, below: str) -> bool:
    plain = pattern.strip("/")
    return fnmatchcase(below, plain) if "/" in plain else fnmatchcase(name, plain)
