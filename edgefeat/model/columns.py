"""The columns that a graph may take instead of a picture, or beside one: one record a kind.

A row gives each column a value. What a value may be, and what becomes of one that is missing or
that the network never saw, is the network's own rule: it is written down here, and the runtime
holds every row to it. Vocabularies stay in the graph. Standard library only.
"""

# Without `from __future__ import annotations`: `codec` reads these, and text would cost it 1 ms.

import re
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from edgefeat.errors import OptionError
from edgefeat.model import codec
from edgefeat.record import Record

__all__ = [
    "MAX_CHARS",
    "UNSEEN_OUTPUT",
    "CategoryInput",
    "ColumnInput",
    "HashAlgorithm",
    "HashInput",
    "IntegerInput",
    "MissingNumber",
    "MissingToken",
    "NumberInput",
    "NumberType",
    "TextInput",
    "Unseen",
]

UNSEEN_OUTPUT = "unseen"
"""The graph's output that counts unseen categories: int64 `(N, number of category inputs)`. It
comes last, is not described in the spec, and may be absent."""
MAX_CHARS = 4096
Extra = Mapping[str, Any]
_LEFT_OUT = codec.LEFT_OUT_IF_NONE


class NumberType(StrEnum):
    """What the graph takes numbers as."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"


class MissingNumber(StrEnum):
    """A missing number enters the graph as NaN, which it was made for, or is refused."""

    NAN = "nan"
    REFUSE = "refuse"


class MissingToken(StrEnum):
    """A missing value enters the graph as the value that stands for it, or is refused."""

    TOKEN = "token"  # noqa: S105 - no password
    REFUSE = "refuse"


class Unseen(StrEnum):
    """A category that the vocabulary lacks shares one bin, has only zeros, has a place by its hash,
    or is refused."""

    BIN = "bin"
    ZEROS = "zeros"
    HASH = "hash"
    REFUSE = "refuse"


class HashAlgorithm(StrEnum):
    """How a value becomes 64 bits."""

    FARMHASH64 = "farmhash64"
    SIPHASH24 = "siphash24"


class HashInput(Record):
    """One more input of the graph: the hash of each value of a column, int64 `(batch, size)`.

    `docs/hashing.md` says what is hashed, and how.

    Args:
        name: The input's name in the graph.
        algorithm: The hash.
        key: The 16 bytes of SipHash's key in hexadecimal; None for FarmHash.
        extra: Keys that this version does not know.
    """

    name: str
    algorithm: HashAlgorithm
    key: str | None = field(default=None, metadata=_LEFT_OUT)
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name:
            raise OptionError("expected a name, got an empty one", option="name")
        if self.algorithm is HashAlgorithm.SIPHASH24:
            if not re.fullmatch(r"[0-9a-f]{32}", self.key or ""):
                raise OptionError(f"expected 32 hexadecimal digits, got {self.key!r}", option="key")
        elif self.key is not None:
            raise OptionError(f"expected none for {self.algorithm}, got {self.key!r}", option="key")


class ColumnInput(Record):
    """What columns of every kind have. The graph takes them as `(batch, size)`.

    Args:
        name: The input's name in the graph, and the column's name in a row.
        size: How many values a row has here: 1 for a column of single values.
        columns: Names of these values, one each, where their owner named them; a row may then give
            each by its own name.
        hashes: Further inputs of the graph, which take hashes of these values; None for none.
        extra: Keys that this version does not know.
    """

    KIND = "column"
    name: str
    size: int = 1
    columns: tuple[str, ...] | None = field(default=None, metadata=_LEFT_OUT)
    hashes: tuple[HashInput, ...] | None = field(default=None, metadata=_LEFT_OUT)
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name:
            raise OptionError("expected a name, got an empty one", option="name")
        if self.size < 1:
            raise OptionError(f"expected at least 1, got {self.size}", option="size")
        if self.columns is not None and len(self.columns) != self.size:
            raise OptionError(
                f"expected {self.size} names, got {list(self.columns)}", option="columns"
            )

    @property
    def tensor_type(self) -> str:
        """The input's type, in ONNX Runtime's words."""
        return "tensor(string)"

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which a row gives its values: each one's own, or the input's for all."""
        return self.columns or (self.name,)


class NumberInput(ColumnInput):
    """Numbers, as float32 or float64.

    Args:
        name: The input's name in the graph, and the column's name in a row.
        size: How many numbers a row has here.
        columns: Names of these numbers, if they have any.
        hashes: Further inputs of the graph, with hashes of these numbers; None for none.
        dtype: What the graph takes.
        missing: What becomes of a missing number.
        range: The smallest and the largest number that was seen at export; None if not known.
        extra: Keys that this version does not know.
    """

    KIND = "number"
    dtype: NumberType = NumberType.FLOAT32
    missing: MissingNumber = MissingNumber.REFUSE
    range: tuple[float, float] | None = None

    @property
    def tensor_type(self) -> str:
        """The input's type, in ONNX Runtime's words."""
        return "tensor(float)" if self.dtype is NumberType.FLOAT32 else "tensor(double)"


class IntegerInput(ColumnInput):
    """Whole numbers, as int64.

    Args:
        name: The input's name in the graph, and the column's name in a row.
        size: How many numbers a row has here.
        columns: Names of these numbers, if they have any.
        hashes: Further inputs of the graph, with hashes of these numbers; None for none.
        missing: What becomes of a missing number.
        missing_token: The number that stands for a missing one; None where it is refused.
        range: The smallest and the largest number that was seen at export; None if not known.
        extra: Keys that this version does not know.
    """

    KIND = "integer"
    missing: MissingToken = MissingToken.REFUSE
    missing_token: int | None = field(default=None, metadata=_LEFT_OUT)
    range: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_token(self.missing, self.missing_token)

    @property
    def tensor_type(self) -> str:
        """The input's type, in ONNX Runtime's words."""
        return "tensor(int64)"


class CategoryInput(ColumnInput):
    """Words from a vocabulary that is in the graph.

    Args:
        name: The input's name in the graph, and the column's name in a row.
        size: How many words a row has here.
        columns: Names of these words, if they have any.
        hashes: Further inputs of the graph, with hashes of these words; None for none.
        unseen: What becomes of a word that the vocabulary lacks.
        missing: What becomes of a missing word.
        missing_token: The word that stands for a missing one; None where it is refused.
        values: How many words the vocabulary has.
        extra: Keys that this version does not know.
    """

    KIND = "category"
    unseen: Unseen
    missing: MissingToken = MissingToken.REFUSE
    missing_token: str | None = field(default=None, metadata=_LEFT_OUT)
    values: int

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_token(self.missing, self.missing_token)
        if self.values < 0:
            raise OptionError(f"expected 0 or more, got {self.values}", option="values")


class TextInput(ColumnInput):
    """Texts, which the graph itself cleans and splits. A missing text is refused; "" is a text.

    Args:
        name: The input's name in the graph, and the column's name in a row.
        size: How many texts a row has here.
        columns: Names of these texts, if they have any.
        hashes: Further inputs of the graph, with hashes of these texts; None for none.
        max_chars: How many characters (code points) a text may have.
        extra: Keys that this version does not know.
    """

    KIND = "text"
    max_chars: int = MAX_CHARS

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_chars < 1:
            raise OptionError(f"expected at least 1, got {self.max_chars}", option="max_chars")


def _check_token(missing: MissingToken, token: object) -> None:
    """Raise OptionError unless there is a token where one stands for what is missing."""
    if (missing is MissingToken.TOKEN) != (token is not None):
        expected = "a value" if missing is MissingToken.TOKEN else "none"
        raise OptionError(
            f"expected {expected}, because missing is {str(missing)!r}, got {token!r}",
            option="missing_token",
        )
