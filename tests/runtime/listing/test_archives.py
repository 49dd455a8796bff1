"""Pictures in archives: read in memory, bounded, and never trusted with a path."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgefeat
from edgefeat import FeatureExtractor, FeatureSet
from edgefeat.corpus.run import extract_sources
from edgefeat.listing import archives
from edgefeat.listing.archives import LARGEST_MEMBER_BYTES
from edgefeat.listing.listing import Listing
from edgefeat.sets.sink import ListSink

NAMES = ["b/rocket.jpg", "a/coffee.jpg", "chelsea"]
SUFFIXES = ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"]


def photo(photos: Path, name: str) -> bytes:
    return (photos / f"{Path(name).stem}.jpg").read_bytes()


def packed(path: Path, files: dict[str, bytes]) -> Path:
    """Write an archive of the kind that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    packing: Any = f"w:{path.suffix.lstrip('.').replace('tar', '')}"
    with tarfile.open(path, packing) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), 1_700_000_000
            archive.addfile(entry, io.BytesIO(content))
    return path


def listed(path: Path) -> Listing:
    with Listing() as listing:
        listing.add([str(path)])
        return listing


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_archives_pictures_are_a_set(
    suffix: str, photos: Path, tmp_path: Path, extractor: FeatureExtractor
) -> None:
    files = {name: photo(photos, name) for name in NAMES}
    files |= {"__MACOSX/x.jpg": b"junk", "notes.txt": b"Tuesday", "bad.jpg": b"no picture"}
    archive = packed(tmp_path / f"photos.{suffix}", files)
    before = sorted(tmp_path.iterdir())
    sink = ListSink()
    summary = extract_sources([str(archive)], sink, extractor)
    assert sorted(tmp_path.iterdir()) == before  # nothing was unpacked to the disk
    assert [record.path for record in sink.records] == [f"{archive}/{name}" for name in NAMES]
    expected = extractor.extract_batch([files[name] for name in NAMES])
    assert np.array_equal([record.features for record in sink.records], expected)
    assert [failure.path for failure in sink.failures] == [f"{archive}/bad.jpg"]
    assert (summary.skipped, summary.excluded_by_default) == ({"unknown": 1}, 1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_archive_is_followed_and_resumed(
    suffix: str, photos: Path, tmp_path: Path, extractor: FeatureExtractor
) -> None:
    archive = packed(tmp_path / f"a.{suffix}", {name: photo(photos, name) for name in NAMES[:2]})
    options: dict[str, Any] = {"extractor": extractor, "shard_size": 2}
    edgefeat.extract_folder(archive, tmp_path / "set", **options)
    packed(archive, {name: photo(photos, name) for name in NAMES[1:]})
    done = edgefeat.extract_folder(archive, tmp_path / "set", sync=True, **options)
    assert done.changes is not None
    assert (done.changes.new, done.changes.gone, done.rows) == (1, 1, 2)
    names = [f"{archive}/{name}" for name in NAMES[1:]]
    assert list(FeatureSet.read(tmp_path / "set").paths) == names


def test_names_that_point_elsewhere_are_only_names(
    photos: Path, tmp_path: Path, extractor: FeatureExtractor
) -> None:
    names = ["../../etc/a.jpg", "/etc/b.jpg", "c\nd.jpg"]
    archive = packed(tmp_path / "x.tar", {name: photo(photos, "coffee.jpg") for name in names})
    summary = edgefeat.extract_folder(archive, tmp_path / "f.npz", extractor=extractor)
    assert summary.rows == 3
    paths = FeatureSet.read(tmp_path / "f.npz").paths
    assert paths == (f"{archive}/../../etc/a.jpg", f"{archive}/etc/b.jpg", f"{archive}/c\nd.jpg")


def test_members_that_cannot_be_read_fail_by_name(
    photos: Path, tmp_path: Path, extractor: FeatureExtractor
) -> None:
    archive = packed(tmp_path / "x.zip", {"a.jpg": photo(photos, "coffee"), "b.jpg": b"1234" * 99})
    content = bytearray(archive.read_bytes())
    content[60:90] = bytes(30)  # inside the first member's packed bytes
    for at in _entries(content):
        if content[at + 46 : at + 51] == b"b.jpg":
            struct.pack_into("<H", content, at + 8, 1)  # says that it is encrypted
    archive.write_bytes(content)
    sink = ListSink()
    extract_sources([str(archive)], sink, extractor)
    reasons = {Path(failure.path).name: failure.reason for failure in sink.failures}
    assert reasons["a.jpg"].startswith("damaged in its archive: ")
    assert reasons["b.jpg"] == "in the archive it is encrypted. Unpack it first."


def _entries(content: bytearray) -> list[int]:
    """Return where a ZIP's central directory has its entries."""
    found, at = [], content.find(b"PK\x01\x02")
    while at >= 0:
        found.append(at)
        at = content.find(b"PK\x01\x02", at + 4)
    return found


def test_links_and_doubled_names_in_a_tar_are_told(
    photos: Path, tmp_path: Path, extractor: FeatureExtractor
) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        for _ in range(2):
            entry = tarfile.TarInfo("a.jpg")
            entry.size = len(photo(photos, "coffee"))
            archive.addfile(entry, io.BytesIO(photo(photos, "coffee")))
        link = tarfile.TarInfo("b.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    listing = listed(path)
    assert listing.pictures == [f"{path}/a.jpg", f"{path}/b.jpg"]
    ((where, error),) = listing.failures
    assert where == f"{path}/a.jpg"
    assert "stands more than once; the first one is taken" in error.problem
    for sync in (False, True):  # which is no reason not to follow the archive
        summary = edgefeat.extract_folder(path, tmp_path / "set", extractor=extractor, sync=sync)
        assert (summary.rows, summary.failures) == (1, 2)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_archive_is_one_error(suffix: str, photos: Path, tmp_path: Path) -> None:
    archive = packed(tmp_path / f"x.{suffix}", {name: photo(photos, name) for name in NAMES})
    archive.write_bytes(archive.read_bytes()[:-3000])
    listing = listed(archive)
    told = [error.problem for _, error in listing.failures]
    if suffix == "tar":  # whole members come before the cut
        assert len(listing.pictures) <= 3
    else:
        assert len(told) == 1
        assert told[0].startswith("a damaged archive: ")


@pytest.mark.parametrize("opener", [gzip, bz2, lzma], ids=["gz", "bz2", "xz"])
def test_a_bomb_in_a_tar_is_stopped(
    opener: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_MOST_BYTES", 2**26)  # a gigabyte takes bzip2 a minute
    path = tmp_path / "bomb"
    with opener.open(path, "wb") as file:  # type: ignore[attr-defined]
        entry = tarfile.TarInfo("zeros.raw")
        entry.size = 3 * 2**26
        file.write(entry.tobuf())
        for _ in range(3 * 64 // 16):
            file.write(bytes(16 * 2**20))
    tracemalloc.start()
    listing = listed(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    ((_, error),) = listing.failures
    assert "which no archive of pictures does" in error.problem
    assert peak < 2 * LARGEST_MEMBER_BYTES


def test_a_bomb_in_a_zip_is_stopped(tmp_path: Path, extractor: FeatureExtractor) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("zeros.jpg", "w", force_zip64=True) as member:
            for _ in range(10):
                member.write(bytes(16 * 2**20))
        archive.writestr("small.jpg", b"\xff\xd8\xff")
    sink = ListSink()
    extract_sources([str(path)], sink, extractor)
    assert sink.failures[0].reason == (
        "167772160 bytes; at most 67108864 are read from an archive. Unpack it first."
    )
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, _entries(content)[1] + 24, 2**32 - 2)  # lies about its size
    path.write_bytes(content)
    ((_, error),) = listed(path).failures
    assert "which no archive of pictures does" in error.problem


def test_a_tar_header_that_asks_for_memory_is_refused(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("pax")
    entry.type, entry.size = tarfile.XHDTYPE, 2**33
    path = tmp_path / "x.tar"
    path.write_bytes(entry.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    ((_, error),) = listed(path).failures
    assert error.problem.startswith("a damaged archive: ")
