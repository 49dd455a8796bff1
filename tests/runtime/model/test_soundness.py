"""A model file that somebody else made may compute, and nothing else, and not for ever."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edgefeat import FeatureExtractor, ModelError
from edgefeat.cli.main import main
from edgefeat.model.file import read_model_file
from edgefeat.model.operators import ALLOWED
from edgefeat.model.protobuf import field
from small_models import (
    BOOL,
    FLOAT,
    INT64,
    body,
    constant,
    graph,
    node,
    number,
    tensor,
    whole,
    write_model,
)

FOR_EVER = 2**63 - 1
PICTURE = np.full((2, 2, 3), 7, np.uint8)
TRUE = constant("true", BOOL, [], b"\x01")
WIDTH = [node("Shape", ["image"], ["sizes"]), node("Gather", ["sizes", "two"], ["width"])]


def adding(inner: Sequence[bytes] = ()) -> bytes:
    """A loop's body that adds one to a vector each time and never says that it is done."""
    return graph(
        [
            node("Identity", ["going"], ["still"]),
            node("Add", ["sum", "ones"], ["more"]),
            *inner,
        ],
        [tensor("turn", INT64, []), tensor("going", BOOL, []), tensor("sum", FLOAT, ["N", 3])],
        [tensor("still", BOOL, []), tensor("more", FLOAT, ["N", 3])],
    )


def loop(count: str, inner: Sequence[bytes] = ()) -> bytes:
    return node("Loop", [count, "true", "mean"], ["added"], body("body", adding(inner)))


ONES = constant("ones", FLOAT, [3], np.ones(3, np.float32).tobytes())


def with_loop(path: Path, count: str, *before: bytes, constants: Sequence[bytes] = ()) -> Path:
    nodes = [*before, loop(count)]
    return write_model(path, nodes=nodes, constants=[TRUE, ONES, *constants], result="added")


@pytest.mark.parametrize(
    ("count", "before", "constants", "turns"),
    [
        ("three", [], [number("three", 3)], 3),
        ("made", [node("Constant", [], ["made"], whole("value_int", 4))], [], 4),
        ("width", WIDTH, [number("two", 2)], 2),
        (
            "all",
            [
                node("Transpose", ["cast"], ["turned"]),
                node("Size", ["turned"], ["size"]),
                node("Identity", ["size"], ["all"]),
            ],
            [],
            12,
        ),
    ],
    ids=["a constant", "a node", "a side of the picture", "the whole picture"],
)
def test_a_loop_whose_end_is_known(
    count: str, before: list[bytes], constants: list[bytes], turns: int, tmp_path: Path
) -> None:
    path = with_loop(tmp_path / "loop.onnx", count, *before, constants=constants)
    with FeatureExtractor(path, cache=False) as extractor:
        assert extractor.extract(PICTURE).tolist() == [7.0 + turns] * 3


@pytest.mark.parametrize(
    ("count", "before", "constants"),
    [
        ("", [], []),
        ("many", [], [number("many", FOR_EVER)]),
        ("made", [node("Constant", [], ["made"], whole("value_int", FOR_EVER))], []),
        ("many", [], [number("two", 2), number("other", 2), number("many", 65_537)]),
        (
            "sum",
            [node("Mul", ["width", "many"], ["sum"]), *WIDTH],
            [number("two", 2), number("many", 10**9)],
        ),
        (
            "size",
            [node("Expand", ["mean", "many"], ["wide"]), node("Size", ["wide"], ["size"])],
            [constant("many", INT64, [2], np.array([10**6, 3]).tobytes())],
        ),
        (
            "whole",
            [
                node("ReduceMax", ["cast"], ["light"], whole("keepdims", 0)),
                node("Cast", ["light"], ["whole"], whole("to", INT64)),
            ],
            [],
        ),
        ("self", [node("Identity", ["self"], ["self"])], []),
    ],
    ids=[
        "no count",
        "a count without end",
        "a node without end",
        "a large count",
        "a product",
        "the size of something blown up",
        "a value of the picture",
        "a circle",
    ],
)
def test_a_loop_that_need_not_end(
    count: str, before: list[bytes], constants: list[bytes], tmp_path: Path
) -> None:
    path = with_loop(tmp_path / "loop.onnx", count, *before, constants=constants)
    with pytest.raises(ModelError) as refusal:
        FeatureExtractor(path)
    assert str(refusal.value) == (
        f"{path}: expected only operators that edgefeat-export writes, got a Loop that need not end"
        " ('added'). Export the model again with `edgefeat-export build`. If you trust who made the"
        " file, open it with any_operator=True."
    )


def test_a_loop_inside_another(tmp_path: Path) -> None:
    inner = node("Loop", ["three", "true", "sum"], ["inner"], body("body", adding()))
    path = write_model(
        tmp_path / "loop.onnx",
        nodes=[loop("three", [inner])],
        constants=[TRUE, ONES, number("three", 3)],
        result="added",
    )
    with pytest.raises(ModelError, match=r"got a Loop inside another \('inner'\)\."):
        read_model_file(path)


def branches(then: Sequence[bytes], result: str) -> bytes:
    """A choice, both of whose branches are the same graph."""
    inside = graph(then, outputs=[tensor(result, FLOAT, ["N", 3])])
    return node("If", ["true"], ["out"], body("then_branch", inside), body("else_branch", inside))


def test_what_is_inside_a_branch_is_checked(tmp_path: Path) -> None:
    path = write_model(
        tmp_path / "if.onnx",
        nodes=[branches([loop("")], "added")],
        constants=[TRUE, ONES],
        result="out",
    )
    with pytest.raises(ModelError, match=r"got a Loop that need not end \('added'\)\."):
        read_model_file(path)
    fine = write_model(
        tmp_path / "fine.onnx",
        nodes=[branches([node("Neg", ["mean"], ["negative"])], "negative")],
        constants=[TRUE],
        result="out",
    )
    with FeatureExtractor(fine, cache=False) as extractor:
        assert extractor.extract(PICTURE).tolist() == [-7.0] * 3


def test_graphs_as_deep_as_a_parser_breaks_at(tmp_path: Path) -> None:
    then = [node("Neg", ["mean"], ["negative"])]
    for _ in range(9):
        inside = graph(then, outputs=[tensor("negative", FLOAT, ["N", 3])])
        then = [node("If", ["true"], ["negative"], body("then_branch", inside))]
    path = write_model(tmp_path / "deep.onnx", nodes=then, constants=[TRUE], result="negative")
    with pytest.raises(ModelError, match="graphs more than 4 deep"):
        read_model_file(path)


@pytest.mark.parametrize(
    ("operator", "domain", "name"),
    [
        ("RandomNormalLike", "", "RandomNormalLike"),
        ("ImageDecoder", "", "ImageDecoder"),
        ("Scan", "", "Scan"),
        ("EPContext", "com.microsoft", "com.microsoft:EPContext"),
        ("Tokenizer", "", "Tokenizer"),
        ("Neg", "com.example", "com.example:Neg"),
        ("StringNormalizer", "ai.onnx.ml", "ai.onnx.ml:StringNormalizer"),
    ],
)
def test_other_operators_need_a_word(operator: str, domain: str, name: str, tmp_path: Path) -> None:
    path = write_model(
        tmp_path / "odd.onnx", nodes=[node(operator, ["mean"], ["odd"], domain=domain)]
    )
    with pytest.raises(ModelError, match=re.escape(f"got the operator {name}. Export")):
        read_model_file(path)
    assert read_model_file(path, any_operator=True).spec.name == "mean"


def test_the_standard_domain_by_its_long_name(tmp_path: Path) -> None:
    path = write_model(
        tmp_path / "long.onnx",
        nodes=[node("RandomNormalLike", ["mean"], ["odd"], domain="ai.onnx")],
    )
    with pytest.raises(ModelError, match="got the operator RandomNormalLike"):
        read_model_file(path)


@pytest.mark.parametrize(
    ("beside", "what"),
    [
        (field(25, field(1, "mine") + field(7, node("Neg", ["a"], ["b"]))), "functions of its own"),
        (field(20, b""), "functions of its own"),
        (field(7, graph([loop("")])), "functions of its own, a Loop that need not end"),
    ],
    ids=["functions", "training", "a second graph, which protobuf joins to the first"],
)
def test_graphs_beside_the_graph(beside: bytes, what: str, tmp_path: Path) -> None:
    path = write_model(tmp_path / "more.onnx", beside=beside)
    with pytest.raises(ModelError, match=f"got {what}"):
        read_model_file(path)


@pytest.mark.parametrize(
    "entry",
    [
        field(13, field(1, "location") + field(2, "/etc/passwd")),
        field(14, 1),
        b"\xea\x00" + field(13, field(1, "location"))[1:],  # a key longer than it need be
    ],
    ids=["an entry", "a place", "spelled oddly"],
)
@pytest.mark.parametrize("trusts", [False, True])
def test_weights_outside_are_refused_however_they_are_written(
    entry: bytes, trusts: bool, tmp_path: Path
) -> None:
    outside = field(1, 3) + field(2, FLOAT) + field(8, "outside") + entry
    path = write_model(tmp_path / "outside.onnx", constants=[outside])
    with pytest.raises(ModelError, match="refers to weights outside the file"):
        read_model_file(path, any_operator=trusts)


def test_sparse_weights_that_unfold_into_much_memory(tmp_path: Path) -> None:
    sparse = field(7, graph([]) + field(15, field(3, 10**12)))
    path = write_model(tmp_path / "sparse.onnx", beside=sparse)
    with pytest.raises(ModelError, match="holds weights in a sparse form"):
        read_model_file(path)


def test_trust_is_asked_for_anew_although_the_model_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEFEAT_CACHE", str(tmp_path / "cache"))
    path = write_model(
        tmp_path / "odd.onnx",
        nodes=[
            node("RandomNormalLike", ["mean"], ["odd"]),
            node("Mul", ["odd", "none"], ["zero"]),
            node("Add", ["mean", "zero"], ["same"]),
        ],
        constants=[constant("none", FLOAT, [], bytes(4))],
        result="same",
    )
    for _ in range(2):
        with FeatureExtractor(path, any_operator=True) as extractor:
            assert extractor.extract(PICTURE).tolist() == [7.0] * 3
        with pytest.raises(ModelError, match="RandomNormalLike"):
            FeatureExtractor(path)


def test_a_file_in_the_place_of_a_known_one_is_checked_before_it_runs(
    tmp_path: Path,
) -> None:
    """Somebody made its time, size and spec those of a file that was checked here."""
    path = with_loop(tmp_path / "loop.onnx", "")
    file = read_model_file(path, is_known=lambda identity: True)
    assert not file.was_checked
    with pytest.raises(ModelError, match="a Loop that need not end"):
        file.for_engine()


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_model(tmp_path / "odd.onnx", nodes=[node("Bernoulli", ["mean"], ["odd"])])
    assert main(["info", str(path)]) == 3
    assert capsys.readouterr().err == (
        f"edgefeat: error: {path}: expected only operators that edgefeat-export writes, got the"
        " operator Bernoulli. Export the model again with `edgefeat-export build`. If you trust who"
        " made the file, open it with --any-operator.\n"
    )
    assert main(["info", str(path), "--any-operator"]) == 0
    assert "mean, fp32" in capsys.readouterr().out


def test_what_columns_and_heads_are_made_of_is_allowed() -> None:
    assert {"LabelEncoder", "TreeEnsembleClassifier", "LinearClassifier"} <= ALLOWED["ai.onnx.ml"]
    assert {"StringSplit", "StringConcat", "OneHot", "IsNaN"} <= ALLOWED[""]
    assert ALLOWED["com.microsoft"] == {"QLinearConv", "Tokenizer"}
