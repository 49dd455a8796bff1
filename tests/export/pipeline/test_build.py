"""The exporter as its users run it: files that appear, files that must not, what is said."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from edgefeat import FeatureExtractor, cosine_similarity
from edgefeat_export.cli.main import main
from keras_models import sequential


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "mine.keras"
    sequential().save(path)
    return path


@pytest.fixture(scope="module")
def folder(saved: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All precisions of one model, reduced, with a second output."""
    out = tmp_path_factory.mktemp("built")
    arguments = ["build", str(saved), "--precision", "fp32,fp16,int8", "-o", str(out)]
    arguments += ["--layer", "depthwise:gem", "--layer", "pool", "--reduce", "pca:3", "--l2"]
    arguments += ["--calibrate", str(photos), "--gate", "int8.relative_l2_max=2"]
    arguments += ["--name", "mine"]
    arguments += ["--gate", "int8.cosine_min=0", "--gate", "int8.cosine_mean=0.5"]
    arguments += ["--target", "x86"]
    assert main(arguments) == 0
    return out


def test_one_file_per_precision_and_a_card(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        "mine_24x32.md",
        "mine_24x32_fp16.onnx",
        "mine_24x32_fp32.onnx",
        "mine_24x32_int8.onnx",
    ]
    card = (folder / "mine_24x32.md").read_text()
    for expected in (
        "# mine\n",
        'FeatureExtractor("mine_24x32_fp32.onnx", outputs="all") as extractor:\n',
        'together = extractor.extract("photo.jpg")  # float32 (11,), side by side\n',
        'outputs["features"]  # float32 (3,)\n',
        'outputs = extractor.extract_outputs("photo.jpg")',
        'outputs["pool"]  # float32 (8,)\n',
        "3 numbers from layer `depthwise`, gem pooling, 8 reduced by PCA (",
        "- Output `pool`: 8 numbers from layer `pool`",
        "| `mine_24x32_fp16.onnx` |",
        " ms | ",
        "Licence of the weights: unknown",
        "`mine_24x32_int8.onnx`: 92.6 % of the weights and 100 % of the multiplications are"
        " integer. Operators in float (",
        "0 to 255. Inside the file, they enter the network as they are, 0 to 255: its first layers"
        " bring 0 to 0 and 255 to 1.\n",
    ):
        assert expected in card


def test_the_card_says_how_to_run_the_file_without_edgefeat(
    folder: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (folder / "mine_24x32.md").read_text().split("```python\n")[2].split("```")[0]
    assert "edgefeat" not in code
    shutil.copy(folder / "mine_24x32_fp32.onnx", tmp_path)
    shutil.copy(photos / "coffee.jpg", tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    known: dict[str, list[np.ndarray]] = {}
    exec(code, known)  # noqa: S102 - what the card shows
    assert [array.shape for array in known["outputs"]] == [(1, 3), (1, 8)]
    with FeatureExtractor("mine_24x32_fp32.onnx", outputs="features") as extractor:
        assert cosine_similarity(known["outputs"][0][0], extractor.extract("photo.jpg")) > 0.9


def test_the_runtime_sees_only_the_reduced_vector(folder: Path, photos: Path) -> None:
    vectors = []
    for precision in ("fp32", "fp16"):
        with FeatureExtractor(
            folder / f"mine_24x32_{precision}.onnx", outputs="features"
        ) as extractor:
            assert extractor.dim == 3
            assert extractor.spec.primary.l2_normalised
            assert extractor.spec.primary.reduced_from == 8
            assert set(extractor.extract_outputs(photos / "coffee.jpg")) == {"features", "pool"}
            assert extractor.self_test()
            vectors.append(extractor.extract(photos / "coffee.jpg"))
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)
    assert cosine_similarity(*vectors) > 0.999


def test_verify_accepts_the_source_and_refuses_another(
    saved: Path, folder: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(folder / "mine_24x32_fp32.onnx")
    common = ["--images", str(photos), "--json"]
    assert main(["verify", file, "--against", str(saved), *common]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["passed"]
    assert outcome["outputs"]["features"]["relative_l2_max"] < 1e-5
    other = sequential()
    other.get_layer("conv").set_weights([w + 0.1 for w in other.get_layer("conv").get_weights()])
    other.save(tmp_path / "other.keras")
    assert main(["verify", file, "--against", str(tmp_path / "other.keras"), *common]) == 3
    captured = capsys.readouterr()
    refusal = json.loads(captured.out)
    assert refusal["error"] == "VerificationError"
    assert {reason["gate"] for reason in refusal["reasons"]} >= {"relative_l2_max"}
    assert "the weights differ from those" in captured.err


def test_a_missed_gate_leaves_the_old_file_as_it_was(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "mine_24x32_fp32.onnx"
    old.write_bytes(b"the file that was there")
    arguments = ["build", str(saved), "--precision", "fp32", "-o", str(tmp_path), "--json"]
    assert main([*arguments, "--gate", "fp32.relative_l2_max=1e-12"]) == 3
    captured = capsys.readouterr()
    refusal = json.loads(captured.out)
    assert refusal["error"] == "VerificationError"
    (reason,) = refusal["reasons"]
    assert (reason["output"], reason["gate"], reason["needed"]) == (
        "features",
        "relative_l2_max",
        1e-12,
    )
    assert reason["got"] > 1e-12
    assert "its features differ from those of Keras on 100 pictures" in captured.err
    assert captured.err.endswith("Change a limit with --gate if you can live with that.\n")
    assert refusal["where"] == old.name
    assert refusal["remedy"] == "Change a limit with --gate if you can live with that."
    assert refusal["option"] == "--gate"
    assert refusal["problem"].startswith("its features differ from those of Keras")
    assert [path.name for path in tmp_path.iterdir()] == [old.name]
    assert old.read_bytes() == b"the file that was there"


def test_int8_that_nobody_asked_for_is_left_out_where_it_misses_its_gates(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["build", str(saved), "--gate", "int8.cosine_mean=1.5", "-o"]
    assert main([*arguments, str(tmp_path / "default")]) == 0
    assert sorted(path.name for path in (tmp_path / "default").iterdir()) == [
        "mine_24x32.md",
        "mine_24x32_fp32.onnx",
    ]
    said = capsys.readouterr()
    assert "int8 is left out, the other files hold their gates: int8 for any" in said.err
    assert main([*arguments, str(tmp_path / "asked"), "--precision", "fp32,int8"]) == 3
    assert not (tmp_path / "asked").exists()


def test_the_int8_file_says_what_it_is_for(folder: Path) -> None:
    with FeatureExtractor(folder / "mine_24x32_int8.onnx", outputs="features") as extractor:
        made = extractor.spec.extra["quantization"]
    assert made["target"] == "x86"
    assert made["attempts"][-1]["fidelity"]["pictures"] == 100
    assert 0.9 < made["integer_weights"] < 1  # a tap keeps the batch normalisation apart
    assert made["integer_macs"] == 1
    assert made["float_operators"]  # a PCA and unit length follow the integers
    probe = extractor.spec.probe
    assert probe is not None
    assert probe.features_sha256 is None


def test_dead_features_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(
                4, 3, activation="relu", bias_initializer=keras.initializers.Constant(-1e4)
            ),
        ]
    )
    model.save(tmp_path / "dead.keras")
    arguments = ["build", str(tmp_path / "dead.keras"), "--normalize", "none", "--precision"]
    assert main([*arguments, "fp32", "-o", str(tmp_path / "out"), "--json"]) == 3
    captured = capsys.readouterr()
    assert "dead_8_fp32.onnx: output 'features': it is dead: root mean" in captured.err
    assert json.loads(captured.out)["reasons"][0]["gate"] == "live_share"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--reduce", "pca:2"], "--reduce: a PCA needs a folder of your own pictures"),
        (["--reduce", "pca:x"], "--reduce: expected pca:K or pca:K,whiten, got 'pca:x'."),
        (
            ["--calibrate", "x", "--precision", "fp32"],
            "--calibrate: expected int8 or a reduction to use these pictures, got neither.",
        ),
        (["--gate", "int4.cosine_mean=1"], "--gate: expected PRECISION.GATE with one of fp32,"),
        (
            ["--precision", "fp32", "--gate", "int8.cosine_mean=1"],
            "--gate: int8.cosine_mean is for int8, but this is about fp32. Leave it out.",
        ),
        (
            ["--precision", "fp32,fp16", "--target", "x86"],
            "--target: it is for int8, but only fp32, fp16 is built. Leave it out,",
        ),
        (["--precision", "int4"], "--precision: expected some of fp32,fp16,int8, got 'int4'."),
        (["--target", "vax"], "--target: expected one of any, x86-vnni, x86, arm64-dot, arm64,"),
        (["--max-bytes", "0"], "--max-bytes: expected a whole number of 1 or more, got 0."),
        (
            ["--input-range", "0,1", "--normalize", "tf"],
            "--input-range: says the same thing as a normalisation, got both.",
        ),
        (["--input-range", "1,0"], "--input-range: expected two numbers, the second above"),
        (["--normalize", "1/2/3"], "--normalize: expected tf, caffe, torch, none, or MEAN/STD"),
        (["--alpha", "0.5"], ": --alpha: chooses among catalogue backbones; a saved model has its"),
    ],
)
def test_options_that_do_not_fit_are_wrong_usage(
    options: list[str],
    message: str,
    saved: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["build", str(saved), *options, "-o", str(tmp_path / "out")]) == 2
    first, last = capsys.readouterr().err.splitlines()[-2:]
    assert first.startswith("edgefeat-export build: error: ")
    assert message in first
    assert last == "see `edgefeat-export build --help`"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["build", "mobilenet", "--gate", "int8.cosine_mean=high"], "--gate: expected PRECISION."),
        (["build", "mobilenet", "--size", "big"], "--size: expected a size like 224 or 192x256"),
        (["build", "mobilenet", "--poling", "avg"], "no option '--poling'. Did you mean"),
        (["biuld", "mobilenet"], "no command 'biuld'. Did you mean 'build'?"),
    ],
)
def test_wrong_usage_has_one_look(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    first, last = capsys.readouterr().err.splitlines()
    assert message in first
    assert last.startswith("see `edgefeat-export")


def test_the_line_names_every_output(
    saved: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["build", str(saved), "--layer", "depthwise:gem", "--layer", "conv:none"]
    arguments += ["--precision", "fp32", "--images", str(photos), "-o", str(tmp_path)]
    assert main(arguments) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{tmp_path / 'mine_depthwise_gem_conv_none_24x32_fp32.onnx'}  0.0")
    assert "MB  features 8, conv 22x30x8  beside Keras: cosine 1.000000 mean" in line
    assert line.endswith("over 3 pictures")  # too few for p1 and for neighbours: none are shown


def test_where_nobody_knows_it_asks_for_a_layer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = sequential()
    scores = layers.Dense(100, name="last")(model.get_layer("pool").output)
    keras.Model(model.inputs, layers.Activation("linear")(scores)).save(tmp_path / "mine.keras")
    request = ["build", str(tmp_path / "mine.keras"), "--precision", "fp32"]
    request += ["-o", str(tmp_path / "out")]
    assert main([*request, "--summary"]) == 0
    shown = capsys.readouterr().out
    assert "first candidate: 'pool' (8): the pooled features before the classifier" in shown
    assert shown.count("other candidate: ") >= 2
    assert main(request) == 2
    refusal = capsys.readouterr().err
    assert "Candidates: 'pool' (8): the pooled" in refusal
    assert "Name one with --layer; `--yes`" in refusal
    assert not (tmp_path / "out").exists()
    assert main([*request, "--yes"]) == 0
    captured = capsys.readouterr()
    assert "features 8 " in captured.out
    assert "candidates is taken" in captured.err
    assert main([*request, "--layer", "last"]) == 0
    names = sorted(path.name for path in (tmp_path / "out").glob("*.onnx"))
    assert names == ["mine_24x32_fp32.onnx", "mine_last_24x32_fp32.onnx"]
    assert "is replaced" not in capsys.readouterr().err
    assert main([*request, "--yes", "--l2"]) == 0
    assert f"{names[0]} had other outputs and is replaced" in capsys.readouterr().err


def test_the_summary_marks_the_cut(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["build", str(saved), "--layer", "depthwise:max", "--layer", "pool", "--summary"]
    assert main(arguments) == 0
    marked = [line for line in capsys.readouterr().out.splitlines() if "◄" in line]
    assert [line.split("◄")[1] for line in marked] == [" features (max)", " pool"]
    assert "depthwise" in marked[0]


def test_the_same_inputs_give_the_same_bytes(saved: Path, tmp_path: Path, root: Path) -> None:
    """Two processes, in another order: counted names, hashes and sets must not leak."""
    script = (
        "import sys; from edgefeat_export.cli.main import main\n"
        "own, out, first = sys.argv[1:]\n"
        "lists = {'own': [own], 'mobilenet': ['mobilenet', '--weights', 'none', '--size', '32']}\n"
        "for name in sorted(lists, reverse=first == 'own'):\n"
        "    gates, precisions = [], ['fp32', 'int8' if name == 'own' else 'fp16']\n"
        "    for precision in precisions:\n"
        "        for gate in ('relative_l2_max', 'cosine_mean', 'cosine_min'):\n"
        "            gates += ['--gate', f'{precision}.{gate}=none']\n"
        "    wanted = ['--precision', ','.join(precisions), '-o', out]\n"
        "    assert main(['build', *lists[name], *wanted, *gates]) == 0\n"
    )
    path = os.pathsep.join([str(root), str(root / "export")])
    for seed, first in (("1", "own"), ("2", "mobilenet")):
        done = subprocess.run(
            [sys.executable, "-c", script, str(saved), str(tmp_path / first), first],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    files = sorted(path.name for path in (tmp_path / "own").glob("*.onnx"))
    assert len(files) == 4
    for name in files:
        a, b = ((tmp_path / first / name).read_bytes() for first in ("own", "mobilenet"))
        assert hashlib.sha256(a).digest() == hashlib.sha256(b).digest(), name


def test_a_network_with_random_weights_holds_its_gates_at_a_small_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its weights are ours: they must not magnify rounding until Keras itself would miss them."""
    argv = ["build", "mobilenet", "--weights", "none", "--size", "64", "--precision", "fp32"]
    assert main([*argv, "-o", str(tmp_path)]) == 0, capsys.readouterr().err
