"""From photos in folders to a file that knows them, and back to more photos."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import edgefeat
from edgefeat.cli.main import main
from edgefeat.engine.cpu import open_session, session_options
from edgefeat.errors import EdgefeatError, ModelError, OptionError, SinkError, SourceError
from edgefeat.model.file import read_model_file
from edgefeat.teaching.memory import MEMORY_KEY
from edgefeat.teaching.report import Taught
from edgefeat.teaching.writing import backbone_bytes
from tests_support import join_model, split_model

Extractor = edgefeat.FeatureExtractor
CLASSES = ("chelsea", "coffee", "rocket")


@pytest.fixture(scope="module")
def taught(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Taught]:
    path = tmp_path_factory.mktemp("models") / "mine.onnx"
    return path, edgefeat.teach(photos, path)


def answers(path: Path, extractor: Extractor, picture: Path) -> dict[str, NDArray[Any]]:
    """What ONNX Runtime says of a picture, without any code of ours behind it."""
    session = open_session(str(path), session_options())
    names = [one.name for one in session.get_outputs()]
    pixels = extractor.prepare(picture)[np.newaxis]
    return dict(zip(names, session.run(names, {"image": pixels}), strict=True))


def refusal(error: type[EdgefeatError | OptionError], call: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def test_a_taught_file_knows_its_classes(
    taught: tuple[Path, Taught], photos: Path, extractor: Extractor
) -> None:
    path, _ = taught
    spec = read_model_file(path).spec
    assert [one.name for one in spec.outputs] == ["features", "label", "probabilities"]
    assert spec.outputs[1].classes == (*CLASSES, "unknown")
    for number, name in enumerate(CLASSES):
        got = answers(path, extractor, photos / name / "0.png")
        assert got["label"].tolist() == [number]
        assert got["probabilities"].shape == (1, 3)
        assert got["probabilities"].sum() == pytest.approx(1, abs=1e-6)
        assert got["probabilities"].argmax() == number


def test_features_are_those_of_the_model_in_every_byte(
    taught: tuple[Path, Taught], photos: Path, extractor: Extractor
) -> None:
    path, told = taught
    picture = photos / "coffee" / "1.png"
    with Extractor(path) as opened:
        assert opened.spec.features_fingerprint == extractor.fingerprint
        assert opened.extract(picture).tobytes() == extractor.extract(picture).tobytes()
        assert opened.self_test().exact
    assert told.features_fingerprint == extractor.fingerprint


def test_a_picture_like_none_of_them_is_unknown(
    photos: Path, tmp_path: Path, extractor: Extractor
) -> None:
    """With half of the pictures shown called unknown, something altogether different is too."""
    path = tmp_path / "strict.onnx"
    edgefeat.teach(photos, path, unknown=0.5, unknown_name="???")
    strange = tmp_path / "strange.png"
    cv2.imwrite(str(strange), np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    label = answers(path, extractor, strange)["label"]
    classes = read_model_file(path).spec.outputs[1].classes
    assert classes is not None
    assert classes[label[0]] == "???"


def test_no_threshold_no_unknown(photos: Path, tmp_path: Path) -> None:
    told = edgefeat.teach(photos, tmp_path / "m.onnx", unknown=0)
    assert (told.unknown, told.unlike) == (None, None)
    assert read_model_file(tmp_path / "m.onnx").spec.outputs[1].classes == CLASSES


def test_the_report_counts(taught: tuple[Path, Taught]) -> None:
    path, told = taught
    assert [one.pictures for one in told.classes] == [6, 6, 6]
    assert told.accuracy is not None
    assert (told.pictures, told.accuracy.of) == (18, 18)
    assert told.accuracy.low < told.accuracy.share <= told.accuracy.high
    for one in told.classes:
        assert one.accuracy.right + sum(count for _, count in one.said) == one.pictures
    assert told.size.file == path.stat().st_size
    head = read_model_file(path).spec.extra["head"]
    assert head["counts"] == dict.fromkeys(CLASSES, 6)
    assert head["left_out"]["right"] == told.accuracy.right


def test_it_is_told_before_the_file_is_written(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    seen: list[bool] = []
    edgefeat.teach(photos, path, before_writing=lambda _told: seen.append(path.exists()))
    assert seen == [False]

    def stop(_told: Taught) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        edgefeat.teach(photos, tmp_path / "n.onnx", before_writing=stop)
    assert list(tmp_path.iterdir()) == [path]


def test_a_class_added_later_gives_the_file_of_all_at_once(
    taught: tuple[Path, Taught], photos: Path, tmp_path: Path
) -> None:
    """Byte for byte: the same head, the same probabilities, the same memory."""
    for part, names in (("first", CLASSES[:2]), ("later", CLASSES[2:])):
        for name in names:
            shutil.copytree(photos / name, tmp_path / part / name)
    (tmp_path / "later" / "coffee").mkdir()
    shutil.move(tmp_path / "first" / "coffee" / "3.png", tmp_path / "later" / "coffee" / "3.png")
    path = tmp_path / "grown.onnx"
    edgefeat.teach(tmp_path / "first", path)
    shutil.rmtree(tmp_path / "first")  # the old photos are not needed
    told = edgefeat.teach(tmp_path / "later", path, add=True)
    assert (told.before, told.pictures) == (11, 18)
    assert path.read_bytes() == taught[0].read_bytes()
    told = edgefeat.teach(photos, path, add=True)
    assert told.repeated == 18
    assert path.read_bytes() == taught[0].read_bytes()


def test_the_backbone_comes_back_byte_for_byte(
    taught: tuple[Path, Taught], photos: Path, model_path: Path, tmp_path: Path
) -> None:
    bare = backbone_bytes(read_model_file(taught[0]))
    assert split_model(bare.data)[0] == split_model(model_path.read_bytes())[0]
    assert bare.spec == read_model_file(model_path).spec
    edgefeat.teach(photos, tmp_path / "second.onnx", model=taught[0])
    assert (tmp_path / "second.onnx").read_bytes() == taught[0].read_bytes()


def test_one_class_measures_how_unlike_a_picture_is(
    photos: Path, tmp_path: Path, extractor: Extractor
) -> None:
    path = tmp_path / "good.onnx"
    told = edgefeat.teach(photos / "coffee", path, one_class=True)
    assert told.unlike == pytest.approx(1 / 7)
    assert told.threshold is not None
    same = answers(path, extractor, photos / "coffee" / "2.png")
    other = answers(path, extractor, photos / "rocket" / "2.png")
    assert (same["label"].tolist(), other["label"].tolist()) == ([0], [1])
    assert same["distance"].shape == (1, 1)
    assert same["distance"][0, 0] < told.threshold < other["distance"][0, 0]
    assert read_model_file(path).spec.outputs[1].classes == ("normal", "unlike")


def test_a_number_is_learnt_from_a_table(
    photos: Path, tmp_path: Path, extractor: Extractor
) -> None:
    """How bright a picture is; one row names no picture, one cell is no number."""
    rows = ["file;bright;class"]
    for picture in sorted(photos.glob("*/*.png")):
        pixels = cv2.imread(str(picture))
        rows.append(f"{picture};{pixels.mean()};x")
    table, path = tmp_path / "table.csv", tmp_path / "bright.onnx"
    table.write_text("\n".join([*rows, "gone.png;3;x", f"{photos}/coffee/0.png;bright;x", ""]))
    told = edgefeat.teach(table, path, value="bright")
    assert told.fit is not None
    assert told.fit.explained > 0.5
    assert told.pictures == 18
    assert [one.reason.split(".")[0] for one in told.failed] == [
        "expected a number, got 'bright'",
        "no such file",
    ]
    picture = photos / "rocket" / "0.png"
    got = answers(path, extractor, picture)["value"]
    assert got.shape == (1, 1)
    pixels = cv2.imread(str(picture))
    assert got[0, 0] == pytest.approx(pixels.mean(), abs=2 * told.fit.error)


def test_a_table_or_a_set_gives_the_file_of_the_folders(
    taught: tuple[Path, Taught], photos: Path, tmp_path: Path, extractor: Extractor
) -> None:
    rows = [f"{one},{one.parent.name}" for one in sorted(photos.glob("*/*.png"), reverse=True)]
    (tmp_path / "t.csv").write_text("\n".join(["path,label", *rows]))
    edgefeat.teach(tmp_path / "t.csv", tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == taught[0].read_bytes()
    edgefeat.extract_folder(photos, tmp_path / "set.npz", extractor=extractor)
    edgefeat.teach(tmp_path / "set.npz", tmp_path / "n.onnx")
    assert (tmp_path / "n.onnx").read_bytes() == taught[0].read_bytes()


def test_what_is_in_no_class_is_told(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "p")
    shutil.copy(photos / "coffee" / "0.png", tmp_path / "p" / "loose.png")
    shutil.copy(photos / "coffee" / "0.png", tmp_path / "p" / "coffee" / "copy.png")
    shutil.copy(photos / "coffee" / "1.png", tmp_path / "p" / "rocket" / "wrong.png")
    (tmp_path / "p" / "rocket" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    told = edgefeat.teach(tmp_path / "p", tmp_path / "m.onnx")
    assert told.notes == (
        "1 of 21 pictures stand in no folder of a class and are left out, such as "
        f"{(tmp_path / 'p' / 'loose.png').resolve()}",
    )
    assert (told.pictures, told.repeated, told.contradicting) == (19, 1, 1)
    assert [Path(one.path).name for one in told.failed] == ["broken.png"]
    again = edgefeat.teach(tmp_path / "p", tmp_path / "m.onnx", overwrite=True)
    assert [Path(one.path).name for one in again.failed] == ["broken.png"]


def test_without_memory_nothing_can_be_added(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    told = edgefeat.teach(photos, path, keep=False)
    assert told.size.memory == 0
    assert refusal(ModelError, lambda: edgefeat.teach(photos, path, add=True)) == (
        f"{path}: does not keep what it was taught, so nothing can be added. Teach anew from all "
        "pictures, and let the file keep their features."
    )


@pytest.mark.parametrize("change", [lambda text: text[:200], lambda text: text.replace("A", "B")])
def test_a_damaged_memory_is_told(
    taught: tuple[Path, Taught], photos: Path, tmp_path: Path, change: Callable[[str], str]
) -> None:
    path = tmp_path / "m.onnx"
    content, metadata = split_model(taught[0].read_bytes())
    path.write_bytes(join_model(content, metadata | {MEMORY_KEY: change(metadata[MEMORY_KEY])}))
    assert refusal(ModelError, lambda: edgefeat.teach(photos, path, add=True)) == (
        f"{path}: what it was taught is damaged. Teach anew from all pictures."
    )


def test_too_little_is_told(photos: Path, tmp_path: Path, taught: tuple[Path, Taught]) -> None:
    path, one, flat = tmp_path / "m.onnx", tmp_path / "one", photos / "coffee"
    shutil.copytree(flat, one / "coffee")
    assert refusal(SourceError, lambda: edgefeat.teach(one, path)) == (
        f"{one}: one class, 'coffee'; two or more are needed. Add pictures of other things, or "
        "pass one_class to learn what these look like."
    )
    (one / "rocket").mkdir()
    shutil.copy(photos / "rocket" / "0.png", one / "rocket")
    assert refusal(SourceError, lambda: edgefeat.teach(one, path)).startswith(
        f"{one}: the class 'rocket' has one picture; 2 or more that differ are needed"
    )
    said = refusal(SourceError, lambda: edgefeat.teach(flat, path))
    assert "6 pictures, but none in a folder of its class" in said
    said = refusal(SourceError, lambda: edgefeat.teach(photos, path, unknown_name="coffee"))
    assert "a class is called 'coffee', as are pictures of no class" in said
    said = refusal(SourceError, lambda: edgefeat.teach(photos, path, value="age"))
    assert "is for a table, and this is none" in said
    assert not path.exists()


def test_an_output_that_is_there_stays(
    photos: Path, tmp_path: Path, taught: tuple[Path, Taught]
) -> None:
    path = tmp_path / "m.onnx"
    shutil.copy(taught[0], path)
    said = refusal(SinkError, lambda: edgefeat.teach(photos, path))
    assert "something of this name exists" in said
    flat = photos / "coffee"
    said = refusal(SourceError, lambda: edgefeat.teach(flat, path, add=True, one_class=True))
    assert said == (
        f"{flat}: the file was taught classes, this would add one class. Add the same kind, or "
        "teach a new file."
    )
    said = refusal(OptionError, lambda: edgefeat.teach(photos, path, add=True, model=path))
    assert said == "model: does not go with add: the model is the one in the output."
    assert path.read_bytes() == taught[0].read_bytes()


def test_the_command_tells_and_writes(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, page = tmp_path / "m.onnx", tmp_path / "page.html"
    assert main(["teach", str(photos), "-o", str(path), "--html", str(page), "--json"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert [one["name"] for one in told["classes"]] == list(CLASSES)
    assert told["size"]["file"] == path.stat().st_size
    assert f"edgefeat: wrote {path}" in said.err
    text = page.read_text()
    assert text.count('<li class="card') == 18
    assert '<td class="marked">' in text
    assert "http" not in text.replace("http-equiv", "")
    assert main(["teach", str(photos), "-o", str(path), "--add"]) == 0
    said = capsys.readouterr()
    assert "accuracy, each picture left out once: " in said.out
    assert "18 of them were in the file before" in said.out
    assert "18 pictures stood there already with the same answer" in said.err


def test_the_command_names_options_as_flags(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["teach", str(photos / "coffee"), "-o", str(tmp_path / "m.onnx")]) == 3
    assert "or pass --one-class to learn what these pictures look like." in capsys.readouterr().err
    assert main(["teach", str(photos), "-o", str(tmp_path / "m.onnx"), "--unknown", "3"]) == 2
    assert "--unknown: expected a share from 0 to 0.5, got 3.0" in capsys.readouterr().err
