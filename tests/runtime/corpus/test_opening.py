"""A set by its place: what `extract` wrote, or a folder of photos with a set in the cache."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgefeat import FeatureSet, SinkError, SourceError
from edgefeat.cli.main import main
from edgefeat.corpus.opening import is_photo_folder, open_set
from sets_support import info_of, written_set


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEFEAT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def album(tmp_path: Path, photos: Path) -> Path:
    (tmp_path / "album").mkdir()
    for name in ("coffee", "rocket"):
        shutil.copy(photos / f"{name}.jpg", tmp_path / "album")
    return tmp_path / "album"


def names(there: FeatureSet) -> list[str]:
    return sorted(Path(path).name for path in there.paths)


def test_a_set_is_opened_as_it_is(tmp_path: Path) -> None:
    for place in (tmp_path / "f.npz", tmp_path / "folder"):
        written_set(place, info_of(), ["a", "b"])
        opened = open_set(place)
        assert opened.summary is None
        assert opened.features.paths == ("a", "b")
        assert not is_photo_folder(place)


def test_a_folder_of_photos_is_extracted_once_and_followed(
    cache: Path, album: Path, photos: Path
) -> None:
    first = open_set(album)
    assert first.summary is not None
    assert names(first.features) == ["coffee.jpg", "rocket.jpg"]
    assert all(Path(path).is_absolute() for path in first.features.paths)
    steps: list[object] = []
    again = open_set(album, on_step=steps.append)
    assert steps == []
    assert (again.features.features == first.features.features).all()
    shutil.copy(photos / "chelsea.jpg", album)
    (album / "coffee.jpg").unlink()
    changed = open_set(album, on_step=steps.append)
    assert len(steps) == 1
    assert names(changed.features) == ["chelsea.jpg", "rocket.jpg"]
    assert len(list((cache / "sets").iterdir())) == 1


def test_the_cache_serves_from_every_working_folder(
    cache: Path, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_set(album)
    monkeypatch.chdir(album.parent)
    steps: list[object] = []
    opened = open_set("album", on_step=steps.append)
    assert steps == []
    assert opened.features.search(album / "rocket.jpg", k=1).paths == (str(album / "rocket.jpg"),)


@pytest.mark.parametrize("how", ["off", "read-only"])
def test_without_a_cache_nothing_is_kept(
    how: str, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").write_text("")
    off = "off" if how == "off" else str(tmp_path / "a file" / "cache")
    monkeypatch.setenv("EDGEFEAT_CACHE", off)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    opened = open_set(album)
    assert names(opened.features) == ["coffee.jpg", "rocket.jpg"]
    assert opened.features.features.shape == (2, 1280)


def test_a_folder_without_a_picture_is_refused(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no file in this folder"):
        open_set(tmp_path / "empty")
    (tmp_path / "empty" / "bad.jpg").write_bytes(b"no picture")
    with pytest.raises(SinkError) as caught:
        open_set(tmp_path / "empty")
    assert str(caught.value) == (
        f"{tmp_path}/empty: no picture in this folder can be read. Name a folder of photos, or "
        "what `edgefeat extract` wrote."
    )
    with pytest.raises(SinkError, match="no such file"):
        open_set(tmp_path / "nowhere")


def test_a_command_takes_a_folder_of_photos(
    cache: Path, album: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["search", str(album), str(photos / "coffee.jpg"), "-k", "1"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1] == f"   1.000  {album}/coffee.jpg"
    assert shown.err == ""
    (album / "bad.jpg").write_bytes(b"no picture")
    (album / "rocket.jpg").unlink()
    assert main(["duplicates", str(album)]) == 0
    said = capsys.readouterr().err
    assert "edgefeat: note: since the last time: 2 new, 1 gone\n" in said or (
        "edgefeat: note: since the last time: 1 new, 1 gone\n" in said
    )
    assert "edgefeat: note: 1 picture gave no features: " in said
