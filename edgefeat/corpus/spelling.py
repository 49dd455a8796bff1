"""One spelling for each picture: `a.jpg`, `./a.jpg` and `/home/me/a.jpg` are one.

The set's own spelling wins. What two paths have in common is the real folder that they lead to and
the name of the file in it; a file that is a link keeps its own name.
"""

from __future__ import annotations

from collections.abc import Iterable
from posixpath import basename, dirname, isabs, join, realpath

__all__ = ["Spelling"]


class Spelling:
    """Spells paths as a set does that has some of them.

    Args:
        names: What the set's pictures are called.
        base: The folder from which relative names among them start; None takes the current one.

    Attributes:
        respelled: How many paths were spelled otherwise than they were given.
    """

    def __init__(self, names: Iterable[str], base: str | None) -> None:
        self.respelled = 0
        self._moved = base is not None and realpath(".") != base
        self._folders: dict[str, str] = {}  # real folder -> as the set spells it
        self._real: dict[str, str] = {}  # folder as given -> real folder
        known: set[str] = set()
        for name in names:
            folder = dirname(name)
            while folder not in known:
                known.add(folder)
                self._folders.setdefault(realpath(join(base or ".", folder)), folder)
                folder = dirname(folder)

    def of(self, path: str) -> str:
        """Return a path as the set spells it, or as it is."""
        folder, _, name = path.rpartition("/")
        if path.startswith("/") and not folder:
            folder = "/"
        real = self._real.get(folder)
        if real is None:
            real = self._real[folder] = realpath(folder or ".")
            self._folders.setdefault(real, self._through_a_known_folder(real, folder))
        spelled = self._folders[real]
        if spelled == folder:
            return path
        self.respelled += 1
        return join(spelled, name)

    def _through_a_known_folder(self, real: str, given: str) -> str:
        """Spell a new folder by the nearest one above it that the set knows."""
        above, rest = real, ""
        while (parent := dirname(above)) != above:
            rest = join(basename(above), rest) if rest else basename(above)
            above = parent
            if above in self._folders and self._is_worth(self._folders[above], given):
                return join(self._folders[above], rest)
        return real if self._moved and not isabs(given) else given

    @staticmethod
    def _is_worth(spelled: str, given: str) -> bool:
        """Return whether a known folder may spell a new one: the root of all folders may not."""
        return spelled not in ("", "/") or given == spelled
