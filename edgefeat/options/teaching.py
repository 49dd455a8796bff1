"""The options of teaching: what is learnt of pictures, and what the file says of strange ones."""

from __future__ import annotations

from edgefeat.errors import OptionError
from edgefeat.options.checks import number, switch
from edgefeat.options.option import Options, number_from, option

__all__ = ["TeachingOptions"]


def _name(option: str, value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise OptionError(f"expected a name, got {value!r}", option=option)


def _share(option: str, value: object) -> float:
    share = number(option, value, above=-1e-300)
    if share > 0.5:
        raise OptionError(f"expected a share from 0 to 0.5, got {value!r}", option=option)
    return share


class TeachingOptions(Options):
    """What is learnt of pictures, and what the file says of those that are like none of them."""

    add: bool = option(
        False, "add pictures or classes to the output, which is there; no old photo is needed",
        check=switch,
    )  # fmt: skip
    overwrite: bool = option(False, "replace the output if it is there", check=switch)
    one_class: bool = option(
        False,
        "learn only what the pictures look like: the file says normal or unlike, and a distance",
        check=switch,
    )
    key: str | None = option(None, "of a table: the column of paths", check=_name, metavar="COLUMN")
    label: str | None = option(
        None, "of a table: the column of classes", check=_name, metavar="COLUMN"
    )
    value: str | None = option(
        None,
        "of a table: the column of numbers, to learn a number in the place of classes",
        check=_name,
        metavar="COLUMN",
    )
    unknown: float = option(
        0.01,
        "share of pictures like those shown that may be called unknown or unlike; 0 calls none "
        "unknown",
        check=_share,
        read=number_from,
        metavar="SHARE",
    )
    unknown_name: str = option(
        "unknown", "what a picture of no class is called", check=_name, metavar="NAME"
    )
    keep: bool = option(
        True,
        "keep the features of the pictures in the file, which adding to it needs",
        check=switch,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        pairs = (
            ("add", "overwrite"),
            ("one_class", "label"),
            ("one_class", "value"),
            ("value", "label"),
        )
        for one, other in pairs:
            if getattr(self, one) and getattr(self, other):
                raise OptionError(f"does not go with {other}. Give one", option=one)
