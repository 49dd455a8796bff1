"""`edgefeat search` and `edgefeat duplicates`: what they print, write and refuse."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

import edgefeat
from edgefeat.cli.main import main
from sets_support import info_of, written_set


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """Photos, a mirrored and a small copy of one, and the set of all of them."""
    folder = tmp_path_factory.mktemp("album")
    for name in ("chelsea", "coffee", "rocket"):
        shutil.copy(photos / f"{name}.jpg", folder)
    coffee = cv2.imread(str(photos / "coffee.jpg"))
    cv2.imwrite(str(folder / "coffee mirrored.png"), coffee[:, ::-1])
    small = cv2.resize(coffee, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(folder / "coffee small.jpg"), small)
    assert main(["extract", str(folder), "-o", str(folder / "set.npz"), "-q"]) == 0
    return folder


def test_the_nearest_are_shown(album: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = album / "coffee.jpg"
    assert main(["search", str(album / "set.npz"), str(query), "-k", "2"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == str(query)
    assert lines[0] == f"   1.000  {query}"
    assert re.fullmatch(r"   0\.9\d\d  .*coffee (mirrored.png|small.jpg)", lines[1])
    assert len(lines) == 2


def test_json_has_a_line_for_each_photo(album: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = [str(album / "coffee.jpg"), str(album / "rocket.jpg")]
    assert main(["search", str(album / "set.npz"), *photos, "--json", "--where", "*.png"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["query"] for one in found] == photos
    for one in found:
        (match,) = one["matches"]
        assert match["path"] == str(album / "coffee mirrored.png")
    there = edgefeat.FeatureSet.read(album / "set.npz")
    assert found[0]["matches"][0]["score"] == pytest.approx(
        there.search(photos[0], where="*.png")[0].score, abs=1e-6
    )


def test_a_photo_that_fails_is_named_and_the_rest_goes_on(
    album: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, gone = str(album / "rocket.jpg"), str(album / "gone.jpg")
    assert main(["search", str(album / "set.npz"), gone, good, "-k", "1"]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == good
    assert shown.err == f"edgefeat: {gone}: no such file. Check the path.\n"


def test_quiet_leaves_notes_out_but_not_what_failed(
    album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(album / "rocket.jpg", tmp_path)
    (tmp_path / "notes.txt").write_text("no picture")
    search = ["search", str(album / "set.npz"), str(tmp_path), "-k", "1"]
    assert main(search) == 0
    assert "1 file not taken" in capsys.readouterr().err
    assert main([*search, "-q"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["search", "-q", *search[1:3], str(tmp_path / "gone.jpg")]) == 1
    assert "gone.jpg: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-k", "0"], "-k: expected a whole number of 1 or more, got 0."),
        (["--metric", "dot"], "--metric: expected 'cosine' or 'euclidean', got 'dot'."),
        (["--since", "noon"], "--since: expected a time such as 2026-11-27T18:00, or Unix seconds"),
        (["--since", "2026-11-27"], "--since: the set has pictures, which have no times"),
        (["--where", "x", "--json"], ""),
    ],
    ids=["k", "metric", "time", "no times", "nothing fits"],
)
def test_options_of_a_search(
    album: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    search = ["search", str(album / "set.npz"), str(album / "rocket.jpg")]
    try:
        code = main([*search, *words])
    except SystemExit as ended:
        code = int(str(ended.code))
    assert code == (2 if message else 0)
    assert message in capsys.readouterr().err


def test_a_set_of_another_model_is_refused(
    tmp_path: Path, album: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written_set(tmp_path / "toy.npz", info_of(), ["a"])
    assert main(["search", str(tmp_path / "toy.npz"), str(album / "rocket.jpg")]) == 3
    assert capsys.readouterr().err == (
        "edgefeat: error: fingerprint: the set has aaaaaaaaaaaa (model toy), which the shipped "
        "model does not give. Name the model file that made the set with --model.\n"
    )


def test_groups_are_shown_with_what_to_keep(
    album: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["duplicates", str(album / "set.npz"), "--level", "look"]) == 0
    shown = capsys.readouterr()
    head, *lines = shown.out.splitlines()
    assert head == "group 1: 3 pictures"
    assert re.match(r"(       |  keep )1\.000 same  ", lines[0])
    (keep,) = (line for line in lines if line.startswith("  keep "))
    assert re.search(r"coffee mirrored\.png \(600 x 400, 0\.\d\d MB\)$", keep)
    assert shown.err.startswith("edgefeat: 1 group with 3 of 5 pictures; cosine 0.")
    assert "and up (look)" in shown.err


def test_groups_are_written_and_listed(
    album: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    target = tmp_path / "groups.jsonl"
    asked = ["duplicates", str(album / "set.npz"), "--level", "look", "-q"]
    assert main([*asked, "-o", str(target), "--list", "--null"]) == 0
    listed = capfdbinary.readouterr().out.split(b"\0")
    assert sorted(listed) == sorted(
        [b"", os.fsencode(album / "coffee.jpg"), os.fsencode(album / "coffee small.jpg")]
    )
    (line,) = target.read_text().splitlines()
    group = json.loads(line)
    assert group["group"] == 0
    assert group["keep"] == str(album / "coffee mirrored.png")
    assert len(group["members"]) == 3
    assert main([*asked, "--json"]) == 0
    whole = json.loads(capfdbinary.readouterr().out)
    assert whole["groups"] == [{key: group[key] for key in ("keep", "medoid", "members")}]
    assert (whole["rows"], whole["level"], whole["crowded"]) == (5, "look", False)


def test_what_is_not_there_is_in_no_list(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    written_set(tmp_path / "toy.npz", info_of(), ["a.jpg", "b.jpg", "c.jpg"])
    asked = ["duplicates", str(tmp_path / "toy.npz"), "--threshold", "-0.9", "--list"]
    assert main(asked) == 0
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "3 pictures of groups cannot be read now; no list has them" in shown.err


def test_a_crowd_is_warned_of(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with edgefeat.FeatureExtractor() as extractor:
        draw = np.random.default_rng(0)
        belt = draw.normal(size=extractor.dim) + 0.05 * draw.normal(size=(120, extractor.dim))
        edgefeat.FeatureSet.of(belt.astype(np.float32), extractor).save(tmp_path / "belt.npz")
    assert main(["duplicates", str(tmp_path / "belt.npz")]) == 0
    assert "warning: pictures of this set drawn by chance reach the threshold" in (
        capfd.readouterr().err
    )


def test_a_name_with_a_lines_end_is_not_listed_by_lines(
    tmp_path: Path, album: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / "two\nlines.jpg"
    shutil.copy(album / "coffee.jpg", odd)
    shutil.copy(album / "coffee.jpg", tmp_path / "a.jpg")
    main(["extract", str(tmp_path), "-o", str(tmp_path / "set.npz"), "-q"])
    capfd.readouterr()
    asked = ["duplicates", str(tmp_path / "set.npz"), "--list", "-q"]
    assert main(asked) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "--list: a name holds a line's end" in shown.err
    assert main([*asked, "--null"]) == 0
    assert capfd.readouterr().out in (f"{odd}\0", f"{tmp_path / 'a.jpg'}\0")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--null"], "--null: has no effect without a list. Add --list."),
        (["--list", "--json"], "--list: stands in the place of JSON; both were given."),
        (["--level", "far"], "--level: expected 'same' or 'near' or 'look', got 'far'."),
        (["--level", "near", "--threshold", "0.9"], "--threshold: stands in the place of a level"),
        (["--threshold", "high"], "--threshold: expected a number above -1, got 'high'."),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_of_duplicates(
    album: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["duplicates", str(album / "set.npz"), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_videos_frames_are_searched_for(
    album: Path, tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = tmp_path / "coffee.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 5, (600, 400))
    for _ in range(3):
        writer.write(cv2.imread(str(photos / "coffee.jpg")))
    writer.release()
    asked = ["search", str(album / "set.npz"), "--camera", str(video), "-k", "1", "--json"]
    assert main(asked) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 3
    for line in lines:
        assert Path(line["matches"][0]["path"]).name.startswith("coffee")
        assert line["query"].startswith(str(video))
    assert main([*asked, "--html", str(tmp_path / "a.html")]) == 2
    assert "--html: has no effect with a camera" in capsys.readouterr().err
    for words in ([], [str(photos / "coffee.jpg"), "--camera", "0"]):
        assert main(["search", str(album / "set.npz"), *words]) == 2
        assert "--camera: expected photos to search for, or a camera" in capsys.readouterr().err
