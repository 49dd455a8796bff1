"""The model card of a file for columns: what a row is, how to use the file, how near it is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edgefeat import atomic
from edgefeat.model.columns import (
    CategoryInput,
    ColumnInput,
    IntegerInput,
    NumberInput,
    TextInput,
    Unseen,
)
from edgefeat.model.spec import ModelSpec
from edgefeat_export.errors import ExportError
from edgefeat_export.pipeline import specs
from edgefeat_export.pipeline.results import FinishedFile

__all__ = ["write_card"]


_UNSEEN: Final = {
    Unseen.BIN: "one bin for all",
    Unseen.ZEROS: "zeros",
    Unseen.HASH: "a place by its hash",
    Unseen.REFUSE: "refused",
}


def write_card(file: FinishedFile, folder: Path, *, own: bool) -> Path:
    """Write `<name>.md` beside a file for columns; return its path.

    Args:
        file: The file.
        folder: Where the card will be.
        own: Whether it was measured on the user's own rows, after those made by rule.

    Raises:
        ExportError: The card cannot be written.
    """
    spec = file.spec
    path = folder / f"{specs.file_stem(spec)}.md"
    lines = [*_head(spec), *_columns(spec), *_reading(file), *_fidelity(file, own), *_origin(spec)]
    atomic.write_text(path, "\n".join(lines), error=ExportError)
    return path


def _head(spec: ModelSpec) -> list[str]:
    return [
        f"# {spec.name}",
        "",
        f"Features of rows, cut out of the Keras network `{spec.source.weights}` as one"
        " self-describing ONNX file.",
        "",
        *(
            f"- Output `{output.name}`: {specs.shape_text(output)} numbers from layer"
            f" `{output.source_layer}`"
            + (f", {output.pooling} pooling" if output.pooling else "")
            + (", unit length" if output.l2_normalised else "")
            for output in spec.outputs
        ),
        "",
    ]


def _columns(spec: ModelSpec) -> list[str]:
    lines = ["## Columns", "", "| column | kind | values a row | missing | unseen |"]
    lines.append("|---|---|---|---|---|")
    lines += [
        f"| `{column.name}` | {column.KIND} | {column.size} | {_missing(column)}"
        f" | {_unseen(column)} |"
        for column in spec.columns
    ]
    return [*lines, ""]


def _missing(column: ColumnInput) -> str:
    if isinstance(column, NumberInput):
        return "enters as NaN" if column.missing == "nan" else "refused"
    if isinstance(column, IntegerInput | CategoryInput) and column.missing == "token":
        return f"enters as `{column.missing_token!r}`"
    return "refused"


def _unseen(column: ColumnInput) -> str:
    if isinstance(column, CategoryInput):
        how = _UNSEEN[column.unseen]
        if column.unseen is Unseen.HASH and not column.values:
            return f"none: each has {how}"
        return f"{how}; {column.values} values are known"
    return f"at most {column.max_chars} characters" if isinstance(column, TextInput) else ""


def _reading(file: FinishedFile) -> list[str]:
    row = (file.spec.probe.rows or ({},))[0] if file.spec.probe is not None else {}
    shown = ", ".join(f"{name!r}: {value!r}" for name, value in row.items())
    shown = shown if len(shown) <= 300 else "..."
    photo = "" if file.spec.picture is None else '"photo.jpg", '
    return [
        "```python",
        "import edgefeat",
        "",
        f'with edgefeat.FeatureExtractor("{file.path.name}") as extractor:',
        f"    features = extractor.extract({photo}{{{shown}}})",
        f"    # float32 {file.spec.primary.shape}",
        "```",
        "",
    ]


def _fidelity(file: FinishedFile, own: bool) -> list[str]:
    ruled = "rows made by rule: every known value in turn, unknown ones, edges of bins"
    lines = [
        "## Fidelity",
        "",
        f"Each output's features beside Keras's, on {'rows of its owner' if own else ruled}."
        " Rows with awkward values (Unicode, NUL, NaN, extremes) agree too.",
        "",
        "| output | rows | relative L2 mean | max |",
        "|---|---|---|---|",
    ]
    for name, parity in file.parities.items():
        lines.append(
            f"| `{name}` | {parity.rows} | {parity.relative_l2_mean:.1e}"
            f" | {parity.relative_l2_max:.1e} |"
        )
    return [*lines, "", f"The file has {file.size_bytes:,} bytes.", ""]


def _origin(spec: ModelSpec) -> list[str]:
    source = spec.source
    tools = ", ".join(f"{name} {version}" for name, version in source.tools.items())
    return [
        "## Origin",
        "",
        f"- Weights: {source.weights}, sha256 `{source.weights_sha256 or 'none'}`",
        f"- Licence of the weights: {source.licence}",
        f"- Made with {tools}",
        "",
    ]
