"""The model card: what the files of one network are, how they were made, and how good they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path

from edgefeat import atomic
from edgefeat.errors import ModelError
from edgefeat.model.file import ModelFile, read_model_file
from edgefeat.model.spec import ModelSpec, OutputSpec
from edgefeat_export.errors import ExportError
from edgefeat_export.pipeline import specs
from edgefeat_export.pipeline.request import Say
from edgefeat_export.precision import Precision
from edgefeat_export.proof import timing
from edgefeat_export.proof.timing import Latency
from edgefeat_export.quant.shares import IntegerShare

__all__ = ["write_card"]


def write_card(spec: ModelSpec, folder: Path, *, say: Say) -> Path:
    """Write `<name>_<size>.md`, the card of all files of one network in a folder.

    Args:
        spec: The spec of one of the files; the card shows its outputs and its origin.
        folder: Where the files are and the card will be.
        say: Takes a line for each file that looks like one of them and is none.

    Returns:
        The card's path.

    Raises:
        ExportError: The card cannot be written.
    """
    files = _files(spec, folder, say)
    path = folder / f"{specs.file_stem(spec)}.md"
    lines = [*_head(spec), *_reading(spec), *_fidelity(files), *_speed(files), *_origin(spec)]
    atomic.write_text(path, "\n".join(lines), error=ExportError)
    return path


def _files(spec: ModelSpec, folder: Path, say: Say) -> list[ModelFile]:
    found = []
    for precision in Precision:
        path = folder / f"{specs.file_stem(spec)}_{precision}.onnx"
        if not path.exists():
            continue
        try:
            file = read_model_file(path)
        except ModelError as error:
            say(f"note: not in the card: {error}")
            continue
        if file.spec.outputs == spec.outputs:
            found.append(file)
        else:
            say(f"note: not in the card: {path}: it has other outputs")
    return found


def _head(spec: ModelSpec) -> list[str]:
    height, width = spec.input.size_hw
    resize = spec.input.resize
    return [
        f"# {spec.name}",
        "",
        f"Features of `{spec.source.backbone}`, cut out of Keras as one self-describing ONNX file"
        " per precision.",
        "",
        f"- Input `{spec.input.name}`: uint8 {height} x {width} x {spec.input.channels}"
        f" ({spec.input.colour}); resize: {resize.mode}, {resize.interpolation}.",
        *_pixels(spec),
        *(f"- Output `{output.name}`: {_describe(output)}" for output in spec.outputs),
        "",
    ]


def _pixels(spec: ModelSpec) -> list[str]:
    """Return what the file makes of a pixel before its first layer, and why."""
    known = spec.source.extra.get("pixels")
    if not isinstance(known, str):  # a file of an earlier edgefeat-export
        return ["- Pixels: 0 to 255; the file normalises them itself."]
    return [
        f"- Pixels: give them as they are in the picture, 0 to 255. Inside the file, they enter the"
        f" network {known}."
    ]


def _reading(spec: ModelSpec) -> list[str]:
    """Return how Python reads every output, with edgefeat and without."""
    file, several = specs.file_name(spec), len(spec.outputs) > 1
    chosen = ', outputs="all"' if several else ""
    code = [
        "import edgefeat",
        "",
        f'with edgefeat.FeatureExtractor("{file}"{chosen}) as extractor:',
    ]
    if several:
        total = sum(prod(output.shape) for output in spec.outputs)
        code += [
            f'    together = extractor.extract("photo.jpg")  # float32 ({total},), side by side',
            '    outputs = extractor.extract_outputs("photo.jpg")  # or one by one, by name',
            *(f'    outputs["{one.name}"]  # float32 {one.shape}' for one in spec.outputs),
        ]
    else:
        shape = spec.primary.shape
        code.append(f'    features = extractor.extract("photo.jpg")  # float32 {shape}')
    return ["```python", *code, "```", "", *_without_edgefeat(spec)]


def _without_edgefeat(spec: ModelSpec) -> list[str]:
    """Return how ONNX Runtime alone runs the file."""
    height, width = spec.input.size_hw
    grey = spec.input.channels == 1
    mode, axes = ("L", "[None, :, :, None]") if grey else ("RGB", "[None]")
    names = ", ".join(f'"{output.name}"' for output in spec.outputs)
    return [
        "Without edgefeat, any ONNX Runtime runs it. Only the resize is left to you; another one"
        " than edgefeat's gives slightly different features:",
        "",
        "```python",
        "import numpy, onnxruntime",
        "from PIL import Image",
        "",
        f'picture = Image.open("photo.jpg").convert("{mode}").resize(({width}, {height}))',
        f"pixels = numpy.asarray(picture){axes}  # uint8"
        f" (1, {height}, {width}, {spec.input.channels}), 0 to 255",
        f'session = onnxruntime.InferenceSession("{specs.file_name(spec)}")',
        f'outputs = session.run([{names}], {{"{spec.input.name}": pixels}})',
        "```",
        "",
    ]


def _describe(output: OutputSpec) -> str:
    text = specs.shape_text(output)
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
        "## Fidelity",
        "",
        "Measured on pictures through edgefeat, before each file was allowed to exist: the first"
        " output's features beside Keras's.",
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
        beside = ", beside the fp32 file" if "against" in parity.extra else ""  # by `quantize`
        lines.append(
            f"| `{Path(file.path).name}`{beside} | {file.size_bytes / 1e6:.2f} MB | {parity.images}"
            f" | {parity.cosine_mean:.5f} / {p1} / {parity.cosine_min:.5f}"
            f" | {parity.relative_l2_max:.1e} | {'-' if shared is None else f'{shared:.1%}'} |"
        )
    return [*lines, *_integers(files), ""]


def _integers(files: Sequence[ModelFile]) -> Iterator[str]:
    """Yield how much of an int8 file is integer, and whether its bits are the same everywhere."""
    for file in files:
        made = file.spec.extra.get("quantization")
        if not isinstance(made, Mapping) or "integer_weights" not in made:
            continue
        share = IntegerShare(weights=made["integer_weights"], macs=made["integer_macs"])
        floats = made.get("float_operators")
        bits = (
            f"Operators in float ({', '.join(floats)}) decide the last bits of its features, which"
            " may differ between CPUs."
            if floats
            else "Every CPU gives the same bits; `edgefeat info --self-test` compares them."
        )
        yield ""
        yield f"`{Path(file.path).name}`: {share.describe()}. {bits}"


def _speed(files: Sequence[ModelFile]) -> list[str]:
    lines = [
        "## Latency",
        "",
        f"On {timing.conditions()}. Graph alone: decoding and resizing come on top.",
        "",
        "| file | median | fastest | runs |",
        "|---|---|---|---|",
    ]
    paths = [Path(file.path) for file in files]
    found = timing.of_files(paths)
    for path, latency in zip(paths, found, strict=True):
        lines.append(
            f"| `{path.name}` | {latency.median_ms:.2f} ms | {latency.fastest_ms:.2f} ms"
            f" | {latency.runs} |"
        )
    return [*lines, *_slower(files, found), ""]


def _slower(files: Sequence[ModelFile], found: Sequence[Latency]) -> Iterator[str]:
    """Yield a warning if int8 is slower than fp32."""
    medians = {file.spec.precision: one.median_ms for file, one in zip(files, found, strict=True)}
    before, after = medians.get(Precision.FP32), medians.get(Precision.INT8)
    if before is not None and after is not None and after > before:
        yield ""
        yield (
            f"Int8 was slower than fp32 here, {after:.2f} ms instead of {before:.2f}: time both on"
            " the device before you choose."
        )


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
