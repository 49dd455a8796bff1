"""Plans, pictures and sets in an object store; its answers become one line, without secrets."""

from __future__ import annotations

import functools
import shutil
import tarfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import edgefeat
from edgefeat.cli.main import main
from edgefeat.errors import SinkError, SourceError
from edgefeat.places.opening import open_place

from .test_plan import read, whole

SECRET = "very-secret-word"  # noqa: S105 - as conftest.py has it


def test_from_a_bucket_into_a_bucket(
    corpus: Path, bucket: str, photos_in_bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"{bucket}/set"
    assert main(["plan", photos_in_bucket, "-o", place, "--part-size", "4"]) == 0
    assert main(["extract", "--plan", place, "--part", "missing"]) == 1
    assert main(["plan", "--status", place]) == 0
    found = read(place)
    import s3fs

    s3fs.S3FileSystem().get(photos_in_bucket, "photos", recursive=True)
    wanted = whole(corpus, "photos/")
    names = [path.removeprefix(f"{bucket}/") for path in found.paths]
    assert names == list(wanted.paths)
    assert np.array_equal(found.features, wanted.features)
    assert SECRET not in "".join(capsys.readouterr())


def test_local_photos_into_a_bucket_and_a_shard_from_it(corpus: Path, bucket: str) -> None:
    import s3fs

    with tarfile.open("shard.tar", "w") as shard:
        shard.add("photos")
    s3fs.S3FileSystem().put("shard.tar", f"{bucket}/shards/shard.tar")
    wanted = whole(corpus, "photos/")
    shutil.rmtree("photos")
    source = f"{bucket}/shards/shard.tar"
    assert main(["plan", source, "-o", "set", "--part-size", "5", "-q"]) == 0
    assert main(["extract", "--plan", "set", "--part", "missing", "-q"]) == 1
    found = read("set")
    assert {path.removeprefix(f"{source}/") for path in found.paths} == set(wanted.paths)
    for path in found.paths:
        same = wanted[path.removeprefix(f"{source}/")]
        assert np.array_equal(found[path].features, same.features)


def test_what_is_not_there_is_said(
    corpus: Path, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["extract", "--plan", f"{bucket}/none", "--part", "0"]) == 3
    assert "no plan is here" in capsys.readouterr().err
    assert main(["plan", f"{bucket}/photos/", "-o", "set"]) == 3
    assert "no file in this place" in capsys.readouterr().err
    assert main(["plan", "photos/", "-o", "s3://no-such-bucket-there/set"]) == 3
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.count("\n") <= 2
    assert main(["plan", "photos/", "-o", "nosuch://x/set"]) == 3
    assert "no scheme 'nosuch' is known" in capsys.readouterr().err


def test_a_list_of_urls_keeps_its_secrets_to_itself(
    corpus: Path, bucket: str, photos_in_bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As presigned addresses have it: what is behind the question mark opens the file."""
    names = [f"{photos_in_bucket}0.png", f"{photos_in_bucket}gone.png?versionId={SECRET}"]
    Path("urls.txt").write_text("\n".join(names))
    assert main(["plan", "--files-from", "urls.txt", "-o", "set"]) == 0
    assert main(["extract", "--plan", "set", "--part", "missing"]) in (1, 3)
    assert main(["plan", "--status", "set", "--html", "s.html"]) in (0, 1)
    assert SECRET not in "".join(capsys.readouterr()) + Path("s.html").read_text()
    assert SECRET not in Path("set/plan.json").read_text()


def test_a_store_that_does_not_answer_ends_the_part_and_writes_nothing(
    corpus: Path,
    bucket: str,
    photos_in_bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import s3fs

    main(["plan", photos_in_bucket, "-o", "set", "-q"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setattr("edgefeat.places.remote._FIRST_PAUSE_S", 0.01)
    assert main(["extract", "--plan", "set", "--part", "missing"]) == 3
    said = capsys.readouterr().err
    assert "the store answers" in said
    assert "Traceback" not in said
    assert SECRET not in said
    assert not list(Path("set").glob("part-*"))


def test_a_folder_and_a_bucket_are_alike(corpus: Path, bucket: str) -> None:
    for place in (open_place("some/folder"), open_place(f"{bucket}/some/folder")):
        assert place.read("a") is None
        assert place.names() == []
        place.write("a", b"one")
        place.write("a", b"two")
        place.write("below/b", b"three")
        assert place.read("a") == b"two"
        assert place.names() == ["a"]
        assert place.names("below") == ["b"]
        assert set(place.written()) == {"a"}
        with place.open("a") as file:
            assert file.read() == b"two"
        with pytest.raises(SourceError), place.open("c") as file:
            file.read()


def test_a_place_with_anothers_plan_is_named(corpus: Path, bucket: str) -> None:
    import s3fs

    main(["extract", "photos/", "-o", "whole.parquet", "-q"])
    s3fs.S3FileSystem().put("whole.parquet", f"{bucket}/one/whole.parquet")
    s3fs.S3FileSystem().pipe(f"{bucket}/one/plan.json", b'{"tasks": []}')
    with pytest.raises(SinkError, match=f"^{bucket}/one: not a feature set that edgefeat wrote"):
        edgefeat.FeatureSet.read(f"{bucket}/one")


def test_a_set_behind_a_url_needs_no_plan(corpus: Path, bucket: str) -> None:
    import s3fs

    main(["extract", "photos/", "-o", "whole.parquet", "-q"])
    s3fs.S3FileSystem().put("whole.parquet", f"{bucket}/one/whole.parquet")
    found = edgefeat.FeatureSet.read(f"{bucket}/one")
    wanted = edgefeat.FeatureSet.read("whole.parquet")
    assert np.array_equal(found.features, wanted.features)


def test_a_list_of_web_addresses(corpus: Path) -> None:
    """Pictures that a web server has, one of them gone."""
    handler = functools.partial(_Quiet, directory=str(corpus / "photos"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_address[1]}"
        Path("urls.txt").write_text(f"{base}/0.png\n{base}/b/3.png\n{base}/gone.png\n")
        assert main(["plan", "--files-from", "urls.txt", "-o", "set", "-q"]) == 0
        assert main(["extract", "--plan", "set", "--part", "0", "-q"]) == 1
    finally:
        server.shutdown()
        server.server_close()
    found, wanted = read("set"), whole(corpus, "photos/")
    assert list(found.paths) == [f"{base}/0.png", f"{base}/b/3.png"]
    for row, name in enumerate(("photos/0.png", "photos/b/3.png")):
        assert np.array_equal(found[row].features, wanted[name].features)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""
