"""Many pictures to a sink: order, workers, retries, stopping, interruption."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import edgefeat
from edgefeat import FeatureExtractor, FeatureSet
from edgefeat.corpus.at_hand import AtHand
from edgefeat.corpus.extracting import extract_pictures
from edgefeat.listing.listing import Listing
from edgefeat.options.many import ManyOptions
from edgefeat.sets.sink import ListSink


def edgefeat_command(*arguments: object) -> list[str]:
    return [sys.executable, "-P", "-m", "edgefeat", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(edgefeat_command(*arguments), capture_output=True, text=True, timeout=120)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def corpus(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures, links to three photos, and two bad ones among them."""
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(60):
        name = ("chelsea", "coffee", "rocket")[number % 3]
        (folder / f"{number:03}.jpg").symlink_to(photos / f"{name}.jpg")
    (folder / "010b.jpg").write_bytes(b"no picture")
    (folder / "059b.jpg").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def whole(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set of a run that nothing disturbed, by one worker."""
    output = tmp_path_factory.mktemp("out") / "whole"
    done = run("extract", corpus, "-o", output, "--shard-size", 8, "--workers", 1)
    assert done.returncode == 1, done.stderr
    return output


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("batch", [1, 4])
def test_workers_and_batches_change_nothing(
    corpus: Path, whole: Path, extractor: FeatureExtractor, workers: int, batch: int
) -> None:
    paths = sorted(str(path) for path in corpus.iterdir())
    sink = ListSink()
    many = ManyOptions(workers=workers, batch=batch)
    failures = extract_pictures(paths, AtHand.of(paths), extractor, sink, many=many)
    expected = FeatureSet.read(whole)
    assert [record.path for record in sink.records] == list(expected.paths)
    assert [record.index for record in sink.records] == list(range(len(expected)))
    assert np.array_equal([record.features for record in sink.records], expected.features)
    assert [Path(failure.path).name for failure in failures] == ["010b.jpg", "059b.jpg"]
    assert sink.failures == failures


def test_stop_ends_at_the_first_failure(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "set"
    done = run("extract", corpus, "-o", output, "--shard-size", 4, "--on-error", "stop", "--json")
    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert [Path(f["path"]).name for f in summary["failed"]] == ["010b.jpg"]
    assert summary["written"] == 11
    assert summary["complete"] is False
    done = run("extract", corpus, "-o", tmp_path / "f.npz", "--on-error", "stop")
    assert "nothing written, 1 failed, stopped at the first failure" in done.stderr
    assert not (tmp_path / "f.npz").exists()


def test_a_stopped_run_resumes_once_the_picture_is_mended(photos: Path, tmp_path: Path) -> None:
    folder, output = tmp_path / "photos", tmp_path / "set"
    shutil.copytree(photos, folder)
    (folder / "bad.jpg").write_bytes(b"")
    assert run("extract", folder, "-o", output, "--on-error", "stop").returncode == 1
    shutil.copy(photos / "coffee.jpg", folder / "bad.jpg")
    assert run("extract", folder, "-o", output, "--resume").returncode == 0
    assert len(FeatureSet.read(output)) == 4


def test_kill_and_resume_gives_the_same_bytes(corpus: Path, whole: Path, tmp_path: Path) -> None:
    output = tmp_path / "set"
    command = edgefeat_command("extract", corpus, "-o", output, "--shard-size", 8)
    resumes = 0
    for wanted in (1, 3, 5):  # shards there when the kill comes
        process = subprocess.Popen([*command, "--resume"], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(output.glob("shard-*.npy"))) >= wanted:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
        if process.wait(60) == -signal.SIGKILL:
            resumes += 1
        manifest = json.loads((output / "manifest.json").read_text())
        assert len(manifest["shards"]) >= wanted - 1
    done = subprocess.run([*command, "--resume"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    assert resumes >= 1
    assert content(output) == content(whole)


def test_ctrl_c_leaves_a_set_that_resumes(corpus: Path, whole: Path, tmp_path: Path) -> None:
    output = tmp_path / "set"
    command = edgefeat_command("extract", corpus, "-o", output, "--shard-size", 8)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(output.glob("shard-00001*.npy")) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: go on with --resume" in errors
    assert "Traceback" not in errors
    assert not [name for name in content(output) if name.endswith(".part")]
    resumed = run("extract", corpus, "-o", output, "--shard-size", 8, "--resume", "--json")
    assert json.loads(resumed.stdout)["resumed"] >= 8
    assert content(output) == content(whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "f.npz", "--resume"], "--resume: goes on with a folder, not with 'f.npz'."),
        (["-o", "f.npz", "--shard-size", "8"], "--shard-size: needs a folder as output"),
        (["--overwrite"], "--overwrite: there is nothing to replace on '-'."),
        (["--json"], "--json: needs an output other than stdout, such as -o f.npz."),
        (["-o", "f.csv", "--store", "i8"], "--store: a .csv file cannot hold i8, only f32. Choose"),
        (["-o", "f.xlsx"], "--output: expected a folder or a file ending in .npz, .npy, .csv,"),
        (["-o", "f", "--on-error", "retry"], "--on-error: expected 'stop' or 'skip', got 'retry'"),
    ],
    ids=["resume", "shard-size", "overwrite", "json", "store", "ending", "on-error"],
)
def test_options_that_do_not_go_together(arguments: list[str], message: str) -> None:
    done = run("extract", "a.jpg", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_the_ledger_of_a_file_stands_beside_it(photos: Path, tmp_path: Path) -> None:
    output, ledger = tmp_path / "f.npz", tmp_path / "f.npz.errors.jsonl"
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"")
    assert run("extract", photos, bad, "-o", output, "--store", "i8").returncode == 1
    assert json.loads(ledger.read_text()) == {
        "path": str(bad),
        "reason": "the file is empty. Get the file again.",
    }
    done = run("extract", photos, "-o", output, "--store", "f16", "--overwrite")
    assert done.returncode == 0
    assert "stored as f16: cosine 1.00000 and relative L2" in done.stderr
    assert not ledger.exists()
    stored = FeatureSet.read(output)
    exact = edgefeat.FeatureExtractor().extract_batch(stored.paths)
    assert stored.features == pytest.approx(exact, rel=1e-3)


def test_a_folder_that_cannot_be_read_is_named(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its path is longer than the system takes: that stops even the superuser."""
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    monkeypatch.chdir(folder)
    for _ in range(20):
        Path("d" * 250).mkdir()
        os.chdir("d" * 250)
    monkeypatch.undo()
    listing = Listing()
    listing.add([str(folder)])
    assert len(listing.pictures) == 3
    ((where, error),) = listing.failures
    assert where.startswith(f"{folder}/ddd")
    assert error.reason == "a folder that cannot be read: File name too long."


def test_names_cannot_command_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "red\x1b[31m.jpg").write_bytes(b"")
    command = edgefeat_command("extract", ".", "-o", "set")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[0] == (
        "edgefeat: red\\x1b[31m.jpg: the file is empty. Get the file again."
    )


def test_a_set_of_another_model_is_not_continued(photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "set"
    assert run("extract", photos, "-o", output).returncode == 0
    before = content(output)
    done = run("extract", photos, "-o", output, "--resume", "--normalize")
    assert done.returncode == 3
    assert "cannot be compared: use the set's model and options" in done.stderr
    assert content(output) == before
