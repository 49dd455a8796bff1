"""The model card: what the files of one network are, how they were made, and how good they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgefeat.errors import ModelError
from edgefeat.model.file import ModelFile, read_model_file
from edgefeat.model.spec import ModelSpec, OutputSpec
from edgefeat_export.graph.precisions import PRECISIONS
from edgefeat_export.pipeline.request import Built
from edgefeat_export.pipeline.specs import file_stem
from edgefeat_export.proof.latency import conditions, time_file

__all__ = ["write_card"]


def write_card(built: Sequence[Built], folder: Path) -> Path:
    """Write `<name>_<size>.md` beside the files, over all precisions of this network there.

    Returns:
        The card's path.
    """
    spec = built[0].spec
    files = [file for file in _files(spec, folder) if file.spec.outputs == spec.outputs]
    path = folder / f"{file_stem(spec)}.md"
    path.write_text("\n".join([*_head(spec), *_fidelity(files), *_speed(files), *_origin(spec)]))
    return path


def _files(spec: ModelSpec, folder: Path) -> list[ModelFile]:
    found = []
    for precision in PRECISIONS:
        path = folder / f"{file_stem(spec)}_{precision}.onnx"
        if path.exists():
            try:
                found.append(read_model_file(path))
            except ModelError:  # a stranger's file of the same name: not part of this card
                continue
    return found


def _head(spec: ModelSpec) -> list[str]:
    height, width = spec.input.size_hw
    resize = spec.input.resize
    file = f"{file_stem(spec)}_{spec.precision}.onnx"
    choice = ', outputs="all"' if len(spec.outputs) > 1 else ""
    return [
        f"# {spec.name}",
        "",
        f"Features of `{spec.source.backbone}`, cut out of Keras as one self-describing ONNX file"
        " per precision.",
        "",
        f"- Input `{spec.input.name}`: uint8 {height} x {width} x {spec.input.channels}"
        f" ({spec.input.colour}); resize: {resize.mode}, {resize.interpolation}; normalisation is"
        " inside.",
        *(f"- Output `{output.name}`: {_describe(output)}" for output in spec.outputs),
        "",
        "```python",
        "import edgefeat",
        "",
        f'with edgefeat.FeatureExtractor("{file}"{choice}) as extractor:',
        '    features = extractor.extract("photo.jpg")',
        "```",
        "",
    ]


def _describe(output: OutputSpec) -> str:
    text = " x ".join(str(side) for side in output.shape)
    text += f" numbers from layer `{output.source_layer}`"
    if output.pooling:
        text += f", {output.pooling} pooling"
    if output.reduced_from:
        kept = output.extra.get("explained_variance", 0.0)
        text += f", {output.reduced_from} reduced by PCA ({kept:.1%} of the variance kept"
        text += ", whitened)" if output.extra.get("whitened") else ")"
    return text + (", unit length" if output.l2_normalised else "")


def _fidelity(files: Sequence[ModelFile]) -> list[str]:
    lines = [
        "## Fidelity to Keras",
        "",
        "Measured through edgefeat on pictures, before each file was allowed to exist.",
        "",
        "| file | size | pictures | cosine mean / 1st percentile / min | relative L2 max"
        " | ten neighbours shared |",
        "|---|---|---|---|---|---|",
    ]
    for file in files:
        parity = file.spec.parity
        if parity is None:
            continue
        p1 = "-" if parity.cosine_p1 is None else f"{parity.cosine_p1:.5f}"
        shared = parity.neighbour_overlap_10
        lines.append(
            f"| `{Path(file.path).name}` | {file.size_bytes / 1e6:.2f} MB | {parity.images}"
            f" | {parity.cosine_mean:.5f} / {p1} / {parity.cosine_min:.5f}"
            f" | {parity.relative_l2_max:.1e} | {'-' if shared is None else f'{shared:.1%}'} |"
        )
    return [*lines, ""]


def _speed(files: Sequence[ModelFile]) -> list[str]:
    lines = [
        "## Latency",
        "",
        f"On {conditions()}. Graph alone: decoding and resizing come on top.",
        "",
        "| file | median | fastest | runs |",
        "|---|---|---|---|",
    ]
    for file in files:
        timing = time_file(Path(file.path))
        lines.append(
            f"| `{Path(file.path).name}` | {timing.median_ms:.2f} ms | {timing.fastest_ms:.2f} ms"
            f" | {timing.runs} |"
        )
    return [*lines, ""]


def _origin(spec: ModelSpec) -> list[str]:
    source = spec.source
    tools = ", ".join(f"{name} {version}" for name, version in source.tools.items())
    return [
        "## Origin",
        "",
        f"- Weights: {source.weights} ({source.extra.get('weights_origin', 'unknown origin')})",
        f"- Weights sha256: `{source.weights_sha256 or 'none'}`",
        f"- Licence of the weights: {source.licence}",
        f"- Made with {tools}",
        "",
    ]
