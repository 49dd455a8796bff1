"""The exporter's errors, in the same tree as the runtime's.

EdgefeatError
└── ExportError
    ├── BackboneError      a backbone or its weights cannot be found, loaded or cut
    ├── ConversionError    the converted graph is not what was asked for
    └── VerificationError  the graph is well formed, but its features are not Keras's
"""

from collections.abc import Mapping, Sequence

from edgefeat.errors import EdgefeatError

__all__ = ["BackboneError", "ConversionError", "ExportError", "VerificationError"]


class ExportError(EdgefeatError):
    """Base of every error the exporter raises on purpose."""


class BackboneError(ExportError):
    """A backbone or its weights cannot be found, loaded or cut."""


class ConversionError(ExportError):
    """The converted graph is not what was asked for."""


class VerificationError(ExportError):
    """The graph is well formed, but its features are not Keras's.

    See `EdgefeatError` for the other parts.

    Attributes:
        reasons: Each missed gate, for programs: output, gate, needed, got.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: object = None,
        remedy: str | None = None,
        option: str | None = None,
        reasons: Sequence[Mapping[str, object]] = (),
    ) -> None:
        super().__init__(problem, where=where, remedy=remedy, option=option)
        self.reasons = tuple(reasons)
