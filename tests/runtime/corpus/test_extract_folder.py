"""`edgefeat.extract_folder`: what the command does, as a call."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgefeat
from edgefeat import FeatureExtractor, FeatureSet, SinkError
from edgefeat.corpus.run import extract_sources
from edgefeat.corpus.summary import CorpusStep, Ending
from edgefeat.errors import OptionError
from edgefeat.options.many import ManyOptions, OnError
from edgefeat.sets.sink import ListSink


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    """Three photos, and one that is empty between them."""
    shutil.copytree(photos, tmp_path / "photos")
    (tmp_path / "photos" / "coffee.png").write_bytes(b"")
    return tmp_path / "photos"


NAMES = ["chelsea.jpg", "coffee.jpg", "rocket.jpg"]


def test_a_folder_becomes_a_set(
    folder: Path, tmp_path: Path, extractor: FeatureExtractor, capfd: pytest.CaptureFixture[str]
) -> None:
    steps: list[CorpusStep] = []
    summary = edgefeat.extract_folder(
        folder, tmp_path / "set", extractor=extractor, store="f16", on_step=steps.append
    )
    assert (summary.rows, summary.failures, summary.resumed) == (3, 1, 0)
    assert summary.complete
    assert summary.output == str(tmp_path / "set")
    assert [Path(failure.path).name for failure in summary.failed] == ["coffee.png"]
    assert summary.loss is not None
    assert summary.loss.cosine_min > 0.999
    assert [(step.done, step.total) for step in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [step.failure is not None for step in steps] == [False, False, True, False]
    written = FeatureSet.read(tmp_path / "set")
    assert [Path(path).name for path in written.paths] == NAMES
    exact = extractor.extract_batch(written.paths)
    assert written.features == pytest.approx(exact, rel=1e-3)
    assert capfd.readouterr() == ("", "")  # a library prints nothing


def test_the_shipped_model_is_the_default(photos: Path, tmp_path: Path) -> None:
    sources: list[str | Path] = [photos / "coffee.jpg", str(photos / "rocket.jpg")]
    summary = edgefeat.extract_folder(sources, tmp_path / "f.npz")
    assert summary.info.fingerprint == FeatureExtractor().fingerprint
    assert [Path(path).name for path in FeatureSet.read(tmp_path / "f.npz").paths] == NAMES[1:]


def test_a_run_that_is_asked_to_stop_can_be_resumed(
    folder: Path, tmp_path: Path, extractor: FeatureExtractor
) -> None:
    steps: list[CorpusStep] = []
    options: dict[str, Any] = {"extractor": extractor, "shard_size": 1, "workers": 1}
    options["on_step"] = steps.append
    stopped = edgefeat.extract_folder(
        folder, tmp_path / "set", stop=lambda: len(steps) >= 2, **options
    )
    assert stopped.ending is Ending.ASKED
    assert not stopped.complete
    assert stopped.rows == 2
    done = edgefeat.extract_folder(folder, tmp_path / "set", resume=True, **options)
    assert done.complete
    assert (done.rows, done.resumed, done.failures) == (3, 2, 1)
    assert [(step.done, step.total) for step in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_file_is_not_written_by_a_run_that_was_stopped(
    folder: Path, tmp_path: Path, extractor: FeatureExtractor
) -> None:
    summary = edgefeat.extract_folder(
        folder, tmp_path / "f.npz", extractor=extractor, stop=lambda: True
    )
    assert (summary.rows, summary.ending) == (0, Ending.ASKED)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


def test_stop_ends_at_the_first_failure(
    folder: Path, tmp_path: Path, extractor: FeatureExtractor
) -> None:
    summary = edgefeat.extract_folder(
        folder, tmp_path / "set", extractor=extractor, on_error="stop", shard_size=1
    )
    assert (summary.ending, summary.rows, summary.failures) == (Ending.FAILURE, 2, 1)


def test_any_sink_takes_the_records(folder: Path, extractor: FeatureExtractor) -> None:
    sink = ListSink()
    summary = extract_sources([str(folder), "none/"], sink, extractor)
    assert [Path(record.path).name for record in sink.records] == NAMES
    assert sink.committed
    assert [Path(failure.path).name for failure in sink.failures] == ["coffee.png", "none"]
    assert summary.failures == 2
    sink = ListSink()
    many = ManyOptions(on_error=OnError.STOP)
    summary = extract_sources(["none.jpg", str(folder)], sink, extractor, many=many)
    assert (summary.rows, summary.failures, sink.committed) == (0, 1, False)


@pytest.mark.parametrize(
    ("output", "options", "message"),
    [
        ("f.npz", {"resume": True}, "resume: goes on with a folder, not with"),
        ("f.csv", {"store": "i8"}, "store: a .csv file cannot hold i8, only f32."),
        ("set", {"store": "f64"}, "store: expected 'f32' or 'f16' or 'i8' or 'u8', got 'f64'."),
        ("set", {"resume": True, "overwrite": True}, "resume: does not go with overwrite."),
        ("set", {"shard_size": 0}, "shard_size: expected a whole number of 1 or more, got 0."),
        ("set", {"on_error": "retry"}, "on_error: expected 'stop' or 'skip', got 'retry'."),
        ("-", {}, "output: expected a file or folder, got '-'."),
    ],
    ids=["resume", "store", "form", "both", "shard-size", "on-error", "stdout"],
)
def test_wrong_options_are_named(
    tmp_path: Path, output: str, options: dict[str, object], message: str
) -> None:
    place = output if output == "-" else str(tmp_path / output)
    with pytest.raises(OptionError) as caught:
        edgefeat.extract_folder(tmp_path, place, **options)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


def test_what_is_there_already_is_refused(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "f.npz").write_bytes(b"mine")
    with pytest.raises(SinkError, match=r"exists already\. Replace it with overwrite=True, or"):
        edgefeat.extract_folder(photos, tmp_path / "f.npz")
    with pytest.raises(TypeError, match="source: expected a path or several, got ndarray among"):
        edgefeat.extract_folder(np.zeros((2, 8, 8, 3), np.uint8), tmp_path / "g.npz")


@pytest.mark.parametrize("name", ["set", "f.npz", "f.csv", "f.npy"])
def test_an_output_among_the_sources_is_no_source(
    folder: Path, extractor: FeatureExtractor, name: str
) -> None:
    for overwrite in (False, True):
        summary = edgefeat.extract_folder(
            folder, folder / name, extractor=extractor, overwrite=overwrite
        )
        assert (summary.rows, summary.failures) == (3, 1)
        assert (summary.skipped, summary.excluded_by_default) == ({}, 0)
