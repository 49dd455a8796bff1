"""`edgefeat info`: what a model file or a set says about itself, and whether it is true."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from edgefeat.cli.info_columns import described, listed, size
from edgefeat.cli.info_set import is_set, show_set
from edgefeat.cli.options import add_options, open_extractor, read_options, refuse
from edgefeat.options.extractor import EngineOptions, ModelOptions

if TYPE_CHECKING:
    from edgefeat.model.file import ModelFile
    from edgefeat.model.probe import SelfTest
    from edgefeat.model.spec import ModelSpec, Parity

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

DESCRIPTION = """\
Show what a model file says about itself, and prove it on this device; or what
a feature set holds, and whether it is whole.
"""
EPILOG = """\
exit codes: 0 all well; 1 parts of the set are damaged; 2 wrong usage; 3 model
or set unusable, or self-test failed
"""

_ADD = "Add --self-test."
_TRUST = ("any_operator", "verify_key", "signature")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL|SET",
        help="model file (default: shipped), or what `edgefeat extract` wrote",
    )
    parser.add_argument(
        "--check", action="store_true", help="hold every byte of a set to what was written"
    )
    parser.add_argument(
        "--self-test",
        action="store_true",
        help="run the model's probe image here and compare the result with Keras's features",
    )
    parser.add_argument("--json", action="store_true", help="JSON on stdout")
    add_options(parser, ModelOptions, only=_TRUST)
    add_options(parser, EngineOptions, title="with --self-test")


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    if arguments.model is not None and is_set(arguments.model):
        return show_set(arguments)
    refuse(arguments, "check", problem="needs a set", remedy="For a model use --self-test.")
    from edgefeat.model.file import read_model_file
    from edgefeat.model.shipped import default_model

    if not arguments.self_test:
        problem = "has no effect: without a self-test nothing runs"
        refuse(arguments, "providers", "strict", "threads", problem=problem, remedy=_ADD)
    trust = read_options(arguments, ModelOptions, without={"model"})
    file = read_model_file(
        arguments.model or default_model(),
        any_operator=trust.any_operator,
        verify_key=trust.verify_key,
        signature=trust.signature,
    )
    result = None
    if arguments.self_test:
        primary = replace(trust, model=file.path, outputs=(file.spec.primary.name,))
        with open_extractor(arguments, primary) as extractor:
            result = extractor.self_test()
    show = _as_json if arguments.json else _as_text
    sys.stdout.write(show(file, result) + "\n")
    return 3 if result is not None and not result.passed else 0


def _as_json(file: ModelFile, result: SelfTest | None) -> str:
    document = {
        "file": str(file.path),
        "size_bytes": file.size_bytes,
        "spec": json.loads(file.spec.to_json()),
    }
    if file.signed is not None:
        document["signature"] = {"key": file.signed.key, "comment": file.signed.comment}
    if result is not None:
        document["self_test"] = {
            "passed": result.passed,
            "relative_l2": result.relative_l2,
            "relative_l2_max": result.relative_l2_max,
            "exact": result.exact,
            "wrong_labels": result.wrong_labels,
            "probability_difference": result.probability_difference,
        }
    return json.dumps(document, indent=1)


def _as_text(file: ModelFile, result: SelfTest | None) -> str:
    spec = file.spec
    rows = [
        ("file", f"{file.path} ({size(file.size_bytes)})"),
        ("model", f"{spec.name}, {spec.precision}, spec {spec.spec_version}"),
    ]
    if (picture := spec.picture) is not None:
        (height, width), resize = picture.size_hw, picture.resize
        rows += [
            ("input", f"uint8 {height} x {width} x {picture.channels} ({picture.colour})"),
            ("resize", f"{resize.mode}, {resize.interpolation}, JPEG decode {resize.decode}"),
        ]
    rows += [("column", described(column)) for column in spec.columns]
    if spec.frame is not None:
        frame_h, frame_w = spec.frame.size_hw
        rows += [
            ("frame", f"{frame_w} x {frame_h} pixels, {spec.frame.pixels}: a bundle for this size"),
            ("of model", spec.frame.core_fingerprint),
        ]
    for output in spec.outputs:
        shape = " x ".join(str(side) for side in output.shape) or "1"
        pooled = f", {output.pooling} pooling" if output.pooling else ""
        kind = "" if output.kind.is_feature else f"{output.kind}, "
        rows.append(("output", f"{output.name}: {kind}{shape} from {output.source_layer}{pooled}"))
    if classes := next((one.classes for one in spec.outputs if one.classes), None):
        rows.append(("classes", f"{len(classes)}: {listed(classes)}"))
    source = spec.source
    rows.append(("weights", f"{source.weights} for {source.backbone}, {source.licence}"))
    if spec.parity:
        parity = spec.parity
        rows.append(
            (
                "fidelity",
                f"cosine to Keras {parity.cosine_mean:.5f} mean, {parity.cosine_min:.5f} min; "
                f"relative L2 {parity.relative_l2_max:.1e} max ({_compared(parity)})",
            )
        )
    rows += _integers(spec)
    if levels := spec.similarity:
        text = f"same {levels.same:.2f}, near {levels.near:.2f}, look {levels.look:.2f}; "
        text += f"99.9 % of other photos below {levels.other_p999:.2f}"
        rows.append(("cosines", text))
    rows.append(("fingerprint", spec.fingerprint))
    if spec.features_fingerprint is not None:
        rows.append(("of features", spec.features_fingerprint))
    if file.signed is not None:
        rows.append(("signature", str(file.signed)))
    if result is not None:
        rows.append(("self-test", _verdict(result)))
    return "\n".join(f"{label:<12} {text}" for label, text in rows)


def _compared(parity: Parity) -> str:
    if parity.rows is None:
        return f"{parity.images} images"
    return f"{parity.images} images, {parity.rows} rows" if parity.images else f"{parity.rows} rows"


def _integers(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    """Yield how much of an int8 file is integer, if the file says so."""
    made = spec.extra.get("quantization")
    shares = made if isinstance(made, Mapping) else {}
    weights, macs = shares.get("integer_weights"), shares.get("integer_macs")
    if not isinstance(weights, int | float) or not isinstance(macs, int | float):
        return
    floats = shares.get("float_operators")
    text = f"{weights * 100:.4g} % of the weights, {macs * 100:.4g} % of the multiplications"
    if isinstance(floats, list) and floats:
        text += f"; operators in float ({', '.join(map(str, floats))}) decide the last bits"
    yield ("integer", text)


def _verdict(result: SelfTest) -> str:
    figures = result.figures()
    if not result.passed:
        return f"FAILED: {figures}. This device does not compute what the model promises."
    exact = {None: "", True: "; output bytes as stamped", False: "; output bytes differ"}
    return f"passed: {figures}{exact[result.exact]}"
