"""The options of an output: how numbers are kept, and what happens to what is there already."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from edgefeat.errors import OptionError
from edgefeat.options.checks import number, switch, whole_number
from edgefeat.options.option import Options, member_of, number_from, option, whole_from

if TYPE_CHECKING:
    import numpy as np

__all__ = ["OutputOptions", "Store", "store_option"]


class Store(StrEnum):
    """How the numbers of a vector are kept."""

    F32 = "f32"
    F16 = "f16"
    I8 = "i8"
    U8 = "u8"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The little-endian type of one stored number."""
        from numpy import dtype  # not needed to read a command line

        return dtype({"f32": "<f4", "f16": "<f2", "i8": "i1", "u8": "u1"}[self.value])

    @property
    def has_scales(self) -> bool:
        """Whether each vector has a scale, by which its whole numbers are multiplied."""
        return self in (Store.I8, Store.U8)


def store_option() -> Any:
    """Declare the option that says how numbers are kept."""
    return option(
        Store.F32,
        "how numbers are kept: f32, f16, or whole numbers of 8 bits with a scale a vector: i8, or "
        "u8 for features that are never negative, twice as fine",
        check=member_of(Store),
        metavar="FORM",
    )


class OutputOptions(Options):
    """How a set is written, and what happens to what stands in its place."""

    resume: bool = option(
        False, "go on with the output if it is there and of the same model", check=switch
    )
    sync: bool = option(
        False,
        "make a folder that is there equal to the sources: add what is new, redo what has changed, "
        "drop what is gone, try again what failed",
        check=switch,
    )
    overwrite: bool = option(False, "replace the output if it is there", check=switch)
    store: Store = store_option()
    shard_size: int | None = option(
        None,
        "pictures a shard of a folder covers (default: 1024, or 16 MiB)",
        check=whole_number,
        read=whole_from,
        metavar="N",
    )
    commit_every_s: float | None = option(
        None,
        "seconds after which the features of a folder are on the disk, also where a shard takes "
        "longer (default: 30)",
        check=number,
        read=number_from,
        metavar="S",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [name for name in ("resume", "sync", "overwrite") if getattr(self, name)]
        if len(given) > 1:
            raise OptionError(f"does not go with {given[1]}. Give one", option=given[0])
