"""Which row of a table belongs to which picture: the key names the picture's file."""

from __future__ import annotations

from edgefeat.errors import RowError
from edgefeat.rows.files import FileRow, TableFile

__all__ = ["Pairing"]


class Pairing:
    """Rows by the files that they name.

    A key may be a file's name, or as much of its path as tells it from others; of several keys that
    fit, the longest counts.

    Args:
        table: The table, opened with its key.
        key: The column of keys.

    Attributes:
        rows: How many rows there are.
    """

    def __init__(self, table: TableFile, key: str) -> None:
        self._table, self._key = table, key
        self._by_key: dict[str, list[FileRow]] = {}
        self._used: set[int] = set()
        self.rows = 0
        for row in table:
            self.rows += 1
            self._by_key.setdefault(_plain(row.key or ""), []).append(row)

    @property
    def unused(self) -> int:
        """How many rows belong to none of the pictures that were asked for."""
        return self.rows - len(self._used)

    def row_of(self, picture: str) -> FileRow:
        """Return a picture's row.

        Raises:
            RowError: There is none, more than one, or it cannot be used.
        """
        parts = _plain(picture).split("/")
        for start in range(len(parts)):
            rows = self._by_key.get("/".join(parts[start:]))
            if rows:
                return self._only(rows)
        raise RowError(
            f"no row of {self._table.path} has this file",
            column=self._key,
            expected=f"a row with {parts[-1]!r} in column {self._key!r}",
            remedy=f"Add one with {parts[-1]!r}, or leave the picture out.",
        )

    def _only(self, rows: list[FileRow]) -> FileRow:
        self._used.update(row.number for row in rows)
        if len(rows) > 1:
            numbers = ", ".join(str(row.number) for row in rows[:6])
            raise RowError(
                f"expected one row, got {len(rows)} with this key: {numbers}",
                column=self._key,
                value=rows[0].key,
                expected="one row",
                remedy="Leave one of them, or give more of the path as the key.",
            )
        row = rows[0]
        if row.fault is not None:
            raise row.fault.at(row.number)
        return row


def _plain(path: str) -> str:
    """Return a path with slashes, and without `./` at its start."""
    return path.replace("\\", "/").removeprefix("./").strip("/")
