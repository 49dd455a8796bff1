"""200 files of 30 kinds: 200 of 200 are accounted for, in the summary, the JSON and the API."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import edgefeat
from edgefeat import FeatureExtractor, FeatureSet
from mixed_folder import KINDS, TOTAL, make_mixed_folder


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-P", "-m", "edgefeat", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    folder = tmp_path_factory.mktemp("mixed")
    return folder, make_mixed_folder(folder)


def test_every_file_is_accounted_for(
    mixed: tuple[Path, dict[str, int]], tmp_path: Path, extractor: FeatureExtractor
) -> None:
    folder, expected = mixed
    assert len(KINDS) == 30
    summary = edgefeat.extract_folder(folder, tmp_path / "set", extractor=extractor)
    found = {
        "row": summary.rows,
        "failed": summary.failures,
        "excluded": summary.excluded_by_default,
        **summary.skipped,
    }
    assert found == expected
    assert sum(found.values()) == TOTAL
    assert summary.damaged == sum(1 for i in range(TOTAL) if KINDS[i % 30][0] == "jpeg, damaged")
    rows = FeatureSet.read(tmp_path / "set").paths
    lines = [json.loads(line) for line in (tmp_path / "set/errors.jsonl").read_text().splitlines()]
    failed = [line["path"] for line in lines if "reason" in line]
    assert len({*rows, *failed}) == expected["row"] + expected["failed"]


def test_the_command_says_so(mixed: tuple[Path, dict[str, int]], tmp_path: Path) -> None:
    folder, expected = mixed
    done = run("extract", folder, "-o", tmp_path / "f.npz", "--json")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    skipped = {key: n for key, n in expected.items() if key not in ("row", "failed", "excluded")}
    assert said["skipped"] == skipped
    assert list(said["skipped"])[:3] == ["jpeg-xl", "photoshop", "svg"]  # pictures come first
    assert said["excluded_by_default"] == expected["excluded"]
    assert said["written"] == expected["row"]
    assert said["damaged"] == 7
    notes = [line for line in done.stderr.splitlines() if line.startswith("edgefeat: note: ")]
    assert len(notes) == len(skipped) + 1
    assert notes[0].startswith("edgefeat: note: 7 files not taken: jpeg-xl, pictures that are")
    assert notes[0].endswith("Convert it to JPEG or PNG.")
    assert len([line for line in done.stderr.splitlines() if "its decoder says" in line]) == 7


def test_quiet_still_names_pictures_that_were_not_read(
    mixed: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    folder, _ = mixed
    done = run("extract", folder, "-o", tmp_path / "f.npz", "--quiet")
    notes = [line for line in done.stderr.splitlines() if line.startswith("edgefeat: note: ")]
    assert [note.split(":")[3].split(",")[0].strip() for note in notes] == [
        "jpeg-xl", "photoshop", "svg",
    ]  # fmt: skip


def test_names_come_from_a_list_or_a_pipe(
    mixed: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    folder, _ = mixed
    find = f"find '{folder}' -name 'IMG_*.jpg' -print0"
    command = f"{find} | {sys.executable} -P -m edgefeat extract --files-from - -o {tmp_path}/f.npz"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)  # noqa: S602
    assert done.returncode == 0, done.stderr
    taken = {str(path) for path in folder.rglob("IMG_*.jpg") if not path.name.startswith(".")}
    assert taken == set(FeatureSet.read(tmp_path / "f.npz").paths)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "f.npz", "--sync"], "--sync: needs a folder as output, such as features/."),
        (["-o", "f", "--sync", "--resume"], "--resume: does not go with sync. Give one."),
        (
            ["-o", "f", "--on-damaged", "mend"],
            "--on-damaged: expected 'keep' or 'fail', got 'mend'",
        ),
        (["-o", "f", "--exclude", ""], "--exclude: expected patterns, such as '*.tmp', got ['']"),
        (["-o", "f", "--commit-every", "0"], "--commit-every: expected a number above 0, got 0.0"),
        (["-o", "f.npz", "--commit-every", "9"], "--commit-every: needs a folder as output"),
    ],
    ids=["file", "both", "on-damaged", "exclude", "commit-every", "commit-file"],
)
def test_wrong_options(arguments: list[str], message: str) -> None:
    done = run("extract", "photos", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_what_excludes_did_is_said(photos: Path, tmp_path: Path) -> None:
    arguments = ["--exclude", "coffee.*", "--exclude", "*.tmp", "-o", tmp_path / "f.npz"]
    done = run("extract", photos, photos, *arguments)
    assert done.returncode == 0
    assert done.stderr.splitlines()[:3] == [
        "edgefeat: note: 2 left out by --exclude.",
        "edgefeat: note: --exclude '*.tmp' matched nothing.",
        "edgefeat: note: 2 named more than once, and done once.",
    ]


def test_a_set_that_is_being_written_is_refused_in_one_line(photos: Path, tmp_path: Path) -> None:
    edgefeat.extract_folder(photos, tmp_path / "set")
    hold = f"import fcntl, os; fcntl.flock(os.open({str(tmp_path / 'set')!r}, 0), 2); print(flush=True); input()"  # noqa: E501
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        done = run("extract", photos, "-o", tmp_path / "set", "--sync")
        holder.communicate(b"\n")
    assert done.returncode == 3
    assert done.stderr == (
        f"edgefeat: error: {tmp_path / 'set'}: another edgefeat is writing to this folder. Wait "
        "for it, or name another.\n"
    )


def test_info_shows_a_set_and_checks_it(photos: Path, tmp_path: Path) -> None:
    edgefeat.extract_folder(photos, tmp_path / "set", shard_size=1)
    done = run("info", tmp_path / "set", "--check")
    assert done.returncode == 0, done.stderr
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert (rows["rows"], rows["shards"]) == ("3", "3, complete")
    assert rows["pixels"] == "files, large JPEGs decoded at a reduced scale"
    assert rows["checked"] == "every byte: whole"
    (shard,) = (tmp_path / "set").glob("shard-00001-*[0-9a-f].npy")
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    assert run("info", tmp_path / "set").returncode == 0  # lengths alone do not show it
    done = run("info", tmp_path / "set", "--check", "--json")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["rows"] == 2
    problem = "its content is not what the manifest says"
    assert said["damages"] == [{"file": shard.name, "rows": 1, "problem": problem}]
    assert (
        f"PROBLEM: {shard.name}: {problem} (1 rows)."
        in run("info", tmp_path / "set", "--check").stdout
    )
    shard.unlink()
    assert run("info", tmp_path / "set").returncode == 1
    edgefeat.extract_folder(photos, tmp_path / "set", resume=True)
    assert run("info", tmp_path / "set", "--check").returncode == 0


def test_info_takes_files_too_and_refuses_what_has_no_effect(photos: Path, tmp_path: Path) -> None:
    edgefeat.extract_folder(photos, tmp_path / "f.npz")
    assert "rows         3" in run("info", tmp_path / "f.npz").stdout
    (tmp_path / "f.npz").write_bytes((tmp_path / "f.npz").read_bytes()[:-99])
    assert run("info", tmp_path / "f.npz").returncode == 3
    done = run("info", tmp_path, "--self-test")
    assert done.returncode == 2
    assert "--self-test: has no effect: a set runs no model." in done.stderr
    done = run("info", "--check")
    assert done.returncode == 2
    assert "--check: needs a set. For a model use --self-test." in done.stderr
    done = run("info", tmp_path)
    assert done.returncode == 3
    assert "not a feature set: it holds no manifest.json." in done.stderr
