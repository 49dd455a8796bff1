"""Every error edgefeat raises on purpose, in one shallow tree, and its warnings.

    EdgefeatError
    ├── DependencyError  NumPy, OpenCV, ONNX Runtime or an optional package is missing, broken or
    │                    too old; it is an ImportError too
    ├── ImageError       a picture cannot be read, decoded or used
    ├── ModelError       a model file is missing, foreign, damaged or fails its self-test
    │   └── SignatureError
    │                    a model file is not signed with the key that was demanded
    ├── RowError         a row of a table cannot be read or used
    ├── ProviderError    an execution provider is missing or not the one that runs
    ├── SourceError      a camera, video, folder or stream cannot be opened or read
    │   └── FrameError   one frame cannot be read; the stream goes on (`edgefeat.sources.base`)
    └── SinkError        results cannot be written, or do not belong together

    ValueError
    ├── OptionError      an option's value is out of range, or does not apply here
    └── CodecError       a JSON value does not fit its record (`edgefeat.model.codec`); whoever
                         reads the file turns it into one of the errors above

    UserWarning
    ├── DamagedPictureWarning
    │                    a decoder reports damage, and made up what is missing
    ├── OutputWarning    the model has more outputs than the vector shows, and none was chosen
    ├── UnseenWarning    a category that the model never saw; its rows are answered all the same
    └── ProviderWarning  a less preferred execution provider runs than the first one asked for

Other wrong arguments are plain `TypeError` and `ValueError`. An error has parts: where it happened,
what is wrong, what to do about it, and the option that is meant. `str(error)` puts them together
for Python users; the command line spells options as flags (`ExplainedError.message`).
"""

TYPE_CHECKING = False  # for type checkers: `import edgefeat` loads this file, and nothing with it
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = [
    "DamagedPictureWarning",
    "DependencyError",
    "EdgefeatError",
    "ExplainedError",
    "ImageError",
    "ModelError",
    "OptionError",
    "OutputWarning",
    "ProviderError",
    "ProviderWarning",
    "RowError",
    "SignatureError",
    "SinkError",
    "SourceError",
    "UnseenWarning",
]

_PLACE_OF_OPTION = "{option}"


class ExplainedError(Exception):
    """An error in parts.

    Args:
        problem: What was expected and what came, without the place: "expected uint8, got float32".
        where: The file, URL, row or field that is meant; an outer layer may add its own in front
            (`within`). Never with a password.
        remedy: What the user can do, as one or more sentences. `{option}` in it stands for the
            option, spelled as the reader would type it.
        option: The keyword that is meant, such as `max_pixels`, or with the value that a remedy
            proposes, such as `strict=False`. Where the remedy does not place it, it stands before
            the problem.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: object = None,
        remedy: str | None = None,
        option: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = None if where is None else str(where)
        self.remedy = remedy
        self.option = option

    @property
    def reason(self) -> str:
        """Problem and remedy as sentences, without the place, with options as keywords."""
        return self.reason_for(str)

    def reason_for(self, spell: "Callable[[str], str]") -> str:
        """Return `reason` with options as `spell` spells them; see `message`."""
        problem, remedy = _sentence(self.problem), self.remedy
        if self.option is not None:
            spelled = spell(self.option)
            if remedy is not None and _PLACE_OF_OPTION in remedy:
                remedy = remedy.replace(_PLACE_OF_OPTION, spelled)
            else:
                problem = f"{spelled}: {problem}"
        return problem if remedy is None else f"{problem} {_sentence(remedy)}"

    def message(self, spell: "Callable[[str], str]" = str) -> str:
        """Return the whole message.

        Args:
            spell: Turns an option, such as `max_pixels` or `strict=False`, into what the reader
                types. Python users type it as it is.
        """
        reason = self.reason_for(spell)
        return reason if self.where is None else f"{self.where}: {reason}"

    def parts(self, spell: "Callable[[str], str]" = str) -> dict[str, str | None]:
        """Return where, problem, remedy and option by name, with the option as `spell` has it."""
        option = None if self.option is None else spell(self.option)
        remedy = self.remedy
        if remedy is not None and option is not None:
            remedy = remedy.replace(_PLACE_OF_OPTION, option)
        return {"where": self.where, "problem": self.problem, "remedy": remedy, "option": option}

    def within(self, where: object) -> "Self":
        """Add an outer place, such as a row of a table, and return this error to be raised."""
        self.where = str(where) if self.where is None else f"{where}: {self.where}"
        return self

    def __str__(self) -> str:
        return self.message()


def _sentence(text: str) -> str:
    """Return text with a full stop, unless it ends as a sentence already."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


class EdgefeatError(ExplainedError):
    """Base of every error edgefeat raises on purpose; see `ExplainedError` for its parts."""


class DependencyError(EdgefeatError, ImportError):
    """A package that edgefeat stands on is missing, broken or too old."""


class ImageError(EdgefeatError):
    """A picture cannot be read, decoded or used."""


class RowError(EdgefeatError):
    """A row of a table cannot be read or used.

    Args:
        problem: What was expected and what came, without the place.
        column: The column that is meant; None for the row as a whole.
        value: What came.
        expected: What was expected, such as "a number".
        remedy: What the user can do, as sentences.
        option: The option that is meant; see `ExplainedError`.

    Attributes:
        row: The row's position among those that were given, from 0; None for a single row.
    """

    def __init__(
        self,
        problem: str,
        *,
        column: str | None = None,
        value: object = None,
        expected: str | None = None,
        remedy: str | None = None,
        option: str | None = None,
    ) -> None:
        where = None if column is None else f"column {column!r}"
        super().__init__(problem, where=where, remedy=remedy, option=option)
        self.row: int | None = None
        self.column = column
        self.value = value
        self.expected = expected

    def at(self, row: int) -> "Self":
        """Note the row's position, from 0, and return this error to be raised."""
        self.row = row
        return self.within(f"row {row}")


class ModelError(EdgefeatError):
    """A model file is missing, foreign, damaged or fails its self-test."""


class SignatureError(ModelError):
    """A model file is not signed, or not with the key that was demanded."""


class ProviderError(EdgefeatError):
    """An execution provider is missing or not the one that runs."""


class SourceError(EdgefeatError):
    """A camera, video, folder or stream cannot be opened or read."""


class SinkError(EdgefeatError):
    """Results cannot be written, or do not belong together."""


class OptionError(ExplainedError, ValueError):
    """An option's value is out of range, or the option does not apply here."""


class DamagedPictureWarning(ExplainedError, UserWarning):  # noqa: N818 - a warning is no error
    """A picture gave pixels, but its decoder reports damage and made up what is missing."""


class OutputWarning(ExplainedError, UserWarning):  # noqa: N818 - a warning is no error
    """The vector is the model's first output alone, though it has more and none was chosen."""


class UnseenWarning(ExplainedError, UserWarning):  # noqa: N818 - a warning is no error
    """A column has a category that the model never saw, for which it has a rule of its own."""


class ProviderWarning(UserWarning):
    """A less preferred execution provider runs than the first one asked for."""
