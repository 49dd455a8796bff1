"""The options of a plan: how large a part is, and what is read of tables with pictures."""

from __future__ import annotations

from functools import partial

from edgefeat.errors import OptionError
from edgefeat.options.checks import whole_number
from edgefeat.options.option import Options, option, whole_from
from edgefeat.options.output import Store, store_option

__all__ = ["PlanOptions"]

_MOST_ROWS = 2**20


def _name(name: str, value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise OptionError(f"expected the name of a column, got {value!r}", option=name)


def _columns(name: str, value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(one, str) for one in parts):
        raise OptionError(f"expected names of columns, got {value!r}", option=name)
    names = tuple(one.strip() for one in parts)
    if not all(names) or len(set(names)) < len(names):
        raise OptionError(f"expected each name once, got {value!r}", option=name)
    return names


class PlanOptions(Options):
    """How a corpus is cut, and what is read of a table that holds its pictures."""

    part_size: int = option(
        16384,
        "pictures a part; one takes some minutes of a core and 20 MB of Parquet",
        check=partial(whole_number, most=_MOST_ROWS),
        read=whole_from,
        metavar="N",
    )
    store: Store = store_option()
    image_column: str | None = option(
        None,
        "the column of encoded pictures, for sources that are Parquet files",
        check=_name,
        metavar="NAME",
    )
    key_column: str | None = option(
        None,
        "the column that names the rows of a Parquet source (default: FILE#ROW)",
        check=_name,
        metavar="NAME",
    )
    keep: tuple[str, ...] = option(
        (),
        "columns of a Parquet source to keep beside the features, such as label,city",
        check=_columns,
        metavar="NAMES",
    )
