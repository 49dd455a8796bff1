"""The parts of `edgefeat.bench`, for an application that measures: they are imported by name."""

from edgefeat.bench import _HOMES

hiddenimports = sorted({f"edgefeat.bench.{home}" for home in _HOMES.values()})
