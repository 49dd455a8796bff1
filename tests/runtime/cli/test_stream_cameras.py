"""`edgefeat stream` with several cameras: outputs, files of cameras, signals, what is refused."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgefeat import FeatureSet

COMMAND = [sys.executable, "-P", "-m", "edgefeat", "stream"]
CAMERA = Path(__file__).parents[2] / "support" / "mjpeg_camera.py"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of cameras that run in a process of their own."""
    served = subprocess.Popen(
        [sys.executable, "-P", str(CAMERA), "0"], stdout=subprocess.PIPE, text=True
    )
    assert served.stdout is not None
    yield f"http://me:secret@127.0.0.1:{int(served.stdout.readline())}"
    served.kill()
    served.wait()
    served.stdout.close()


def run(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)


def begin(*arguments: object, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)], cwd=folder, stderr=file, start_new_session=True
        )


def wait_for(log: Path, what: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while what not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> float:
    """Ask the process to end; return how many seconds it took."""
    asked = time.monotonic()
    process.send_signal(number)
    process.wait(timeout=20)
    return time.monotonic() - asked


def cameras_of(text: str) -> Counter[str]:
    return Counter(json.loads(line)["camera"] for line in text.splitlines())


def facts(rows: FeatureSet, name: str) -> set[str]:
    """Return what the rows of a stream say, without doubles."""
    assert rows.frames is not None
    return set(getattr(rows.frames, name))


def test_each_camera_has_its_own_folder_and_none_its_address(address: str, tmp_path: Path) -> None:
    health = tmp_path / "health.json"
    done = run(
        *(f"yard={address}/live", f"door={address}/ends", "--frames", 12),
        *("-o", tmp_path / "days", "--health", health),
    )
    assert done.returncode == 0, done.stderr
    written = ""
    for name in ("yard", "door"):
        rows = FeatureSet.read(tmp_path / "days" / name)
        assert len(rows) == 12
        assert facts(rows, "camera") == {name}
        assert f"12 x 1280 features in {tmp_path}/days/{name}/" in done.stderr
    for file in (tmp_path / "days").rglob("*.json*"):
        written += file.read_text()
    numbers = json.loads(health.read_text())
    assert list(numbers["cameras"]) == ["yard", "door"]
    assert numbers["emitted"] == 24
    assert not re.search(r"127\.0\.0\.1|secret", done.stderr + health.read_text() + written)


def test_one_output_takes_all(address: str, tmp_path: Path) -> None:
    cameras = (f"yard={address}/live", f"door={address}/live", "--frames", 10, "-q")
    assert cameras_of(run(*cameras).stdout) == {"yard": 10, "door": 10}
    for name in ("all.jsonl", "all.npz"):
        assert run(*cameras, "-o", tmp_path / name).returncode == 0
        assert len(FeatureSet.read(tmp_path / name)) == 20


def test_a_reader_that_has_enough_ends_all(address: str) -> None:
    with subprocess.Popen(
        [*COMMAND, f"yard={address}/live", f"door={address}/live", "-q"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_file_for_each_begins_anew_by_itself(address: str, tmp_path: Path) -> None:
    out = tmp_path / "{camera}.jsonl"
    options = (f"yard={address}/live", f"door={address}/live", "--frames", 8, "-q", "-o", out)
    assert run(*options, "--rotate", "15K").returncode == 0
    for name in ("yard", "door"):
        parts = list(tmp_path.glob(f"{name}*.jsonl"))
        assert len(parts) > 1
        assert sum(cameras_of(part.read_text())[name] for part in parts) == 8


def test_cameras_that_fail_are_named_and_the_others_done(address: str, tmp_path: Path) -> None:
    (tmp_path / "days" / "full").mkdir(parents=True)
    (tmp_path / "days" / "full" / "holiday.txt").write_text("mine")
    done = run(
        *("-q", f"good={address}/live", "film=no/such.mp4", f"full={address}/live"),
        *("--frames", 5, "-o", "days"),
        folder=tmp_path,
    )
    assert done.returncode == 1
    lines = sorted(done.stderr.splitlines())
    assert lines[0] == "edgefeat: film: ended: no such file. Check the path."
    assert lines[1].startswith("edgefeat: full: ended: days/full: ")
    assert len(lines) == 2
    assert len(FeatureSet.read(tmp_path / "days" / "good")) == 5


def test_if_all_fail_nothing_is_left_and_the_exit_code_says_so(tmp_path: Path) -> None:
    done = run("-q", "a=no.mp4", "b=none.mp4", "-o", "days", folder=tmp_path)
    assert done.returncode == 3
    assert sorted(done.stderr.splitlines()) == [
        "edgefeat: a: ended: no such file. Check the path.",
        "edgefeat: b: ended: no such file. Check the path.",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_while_a_camera_is_away(
    address: str, tmp_path: Path, number: signal.Signals
) -> None:
    log, out = tmp_path / "log", tmp_path / "days"
    cameras = (f"yard={address}/live", "away=http://127.0.0.1:9/", "-o", out)
    process = begin(*cameras, folder=tmp_path, log=log)
    wait_for(log, "yard: connected", process)
    wait_for(log, "away: retry", process)
    assert end(process, number) < 1.5
    assert process.returncode == 0
    assert "away: ended: stopped" in log.read_text()
    assert len(FeatureSet.read(out / "yard")) > 0
    assert not (out / "away").exists()


def test_sighup_reads_the_file_of_cameras_again(address: str, tmp_path: Path) -> None:
    log, file = tmp_path / "log", tmp_path / "cameras.toml"
    kept = f'fps = 20\n[cameras]\nkept = "{address}/live"\n'
    file.write_text(f'{kept}gone = "{address}/live"\n[cameras.anew]\nsource = "{address}/live"\n')
    process = begin("--cameras", file, "-o", "days", folder=tmp_path, log=log)
    for name in ("kept", "gone", "anew"):
        wait_for(log, f"{name}: connected", process)
    file.write_text(
        f'{kept}late = "{address}/live"\n[cameras.anew]\nsource = "{address}/live"\nfps = 10\n'
    )
    process.send_signal(signal.SIGHUP)
    wait_for(log, "read again: new: late; gone: gone; started anew: anew", process)
    wait_for(log, "late: connected", process)
    for wrong, told in (
        ("x = [", "not TOML: Invalid value"),
        (f'{kept}kept = "again"', "not TOML: Cannot overwrite a value"),
        (kept.replace("fps", "fsp"), "kept: no option 'fsp'. Did you mean 'fps'?"),
        ("[cameras]\n", "expected cameras, such as a table [cameras.yard] with a source."),
        (f"{kept}a = 0\nb = 0\n", "a and b read the same, camera 0, and only one can."),
    ):
        file.write_text(wrong)
        process.send_signal(signal.SIGHUP)
        wait_for(log, told, process)
    file.unlink()
    process.send_signal(signal.SIGHUP)
    wait_for(log, f"{file}: cannot be read: No such file or directory.", process)
    time.sleep(0.5)
    assert end(process) < 1.5
    assert process.returncode == 0
    text = log.read_text()
    assert text.count("The cameras stay as they were.") == 6
    assert text.count("kept: connected") == 1
    assert text.count("anew: connected") == 2
    sets = {name: FeatureSet.read(tmp_path / "days" / name) for name in ("kept", "gone", "anew")}
    assert len(facts(sets["anew"], "session")) == 2
    assert len(facts(sets["kept"], "session")) == 1
    assert len(sets["kept"]) > len(sets["gone"])


def test_a_camera_that_an_error_ended_starts_anew_by_sighup(address: str, tmp_path: Path) -> None:
    log, file, film = tmp_path / "log", tmp_path / "cameras.toml", tmp_path / "in"
    file.write_text(f'[cameras]\nkept = "{address}/live"\nlater = "in/*.jpg"\n')
    process = begin("--cameras", file, "-o", "days", folder=tmp_path, log=log)
    wait_for(log, "later: ended: ", process)
    wait_for(log, "kept: connected", process)
    film.mkdir()
    (film / "a.jpg").write_bytes(jpeg(address))
    process.send_signal(signal.SIGHUP)
    wait_for(log, "started anew: later", process)
    wait_for(log, "later: ended: no more frames", process)
    process.send_signal(signal.SIGHUP)
    wait_for(log, "nothing has changed", process)  # a regular end is no error
    end(process)
    assert process.returncode == 0
    assert len(FeatureSet.read(tmp_path / "days" / "later")) == 1


def jpeg(address: str) -> bytes:
    """Return one picture of a camera."""
    plain = re.sub("//.*@", "//", address)
    with urllib.request.urlopen(f"{plain}/live", timeout=10) as answer:  # noqa: S310
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += answer.read(1)
        length = re.search(rb"Content-Length: (\d+)", head)
        assert length is not None
        return bytes(answer.read(int(length[1])))


def test_a_closed_terminal_ends_it_although_sighup_reads_the_file(
    address: str, tmp_path: Path
) -> None:
    log, file = tmp_path / "log", tmp_path / "cameras.toml"
    file.write_text(f'[cameras]\nyard = "{address}/live"\n')
    ours, theirs = pty.openpty()
    with log.open("wb") as told:
        process = subprocess.Popen(
            [*COMMAND, "--cameras", file, "-o", tmp_path / "days"],
            stdin=theirs,
            stderr=told,
            start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # it takes the terminal
        )
    os.close(theirs)
    wait_for(log, "yard: connected", process)
    process.send_signal(signal.SIGHUP)
    wait_for(log, "nothing has changed", process)
    os.close(ours)
    process.wait(timeout=10)
    assert process.returncode == 0
    assert "yard: ended: stopped" in log.read_text()


def test_each_option_has_its_place_in_the_file(address: str, tmp_path: Path) -> None:
    file = tmp_path / "cameras.toml"
    file.write_text(
        "duration = 3\nfps = 20\n"
        f'[cameras]\nplain = "{address}/live"\n'
        f'[cameras.cut]\nsource = "{address}/live"\nroi = [0, 0, 0.5, 0.5]\nframes = 3\n'
        f'[cameras.still]\nsource = "{address}/live"\nmotion = 255\npolicy = "all"\n'
        'mask = ["0,0,1,0.1", [0, 0.9, 1, 0.1]]\nat-least = "1m"\n'
    )
    done = run("--cameras", file, "-q", "-o", "all.jsonl", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    counts = cameras_of((tmp_path / "all.jsonl").read_text())
    assert counts["cut"] == 3
    assert counts["still"] == 1
    assert counts["plain"] > 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[cameras.a]\nsource = true", "a: source: expected a URL, a path or a number, got true."),
        ("[cameras.a]\nfps = 2", "a: source: expected a URL, a path or a number, got none."),
        ('[cameras.a]\nsource = 0\nfps = "x"', "a: --fps: expected a number above 0, got 'x'."),
        ("[cameras.a]\nsource = 0\nat_least = 5", "no option 'at_least'. Did you mean 'at-least'?"),
        ("[cameras.a]\nsource = 0\nwait = true", "wait: cameras of a file are always waited for."),
        ("[cameras.a]\nsource = 0\nwatch = false", "watch: expected true, got false."),
        ("[cameras.a]\nsource = 0\nfps = [1, {}]", "fps: expected a text or a number"),
        ('[cameras."a/b"]\nsource = 0', "expected a name of letters, digits and . _ -"),
        ('[cameras.a]\nsource = "x.mp4"\nsize = "4x4"', "a: --size: does not go with"),
        ('[cameras.a]\nsource=0\nmotion=4\nmask="no.png"', "a: no.png: no such file."),
    ],
)
def test_files_of_cameras_that_are_not_right(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(text)
    done = run("--cameras", "c.toml", folder=tmp_path)
    assert done.returncode in (2, 3)
    assert f"error: c.toml: {message}" in done.stderr.replace("--cameras: ", "").replace(
        "a: no option", "no option"
    ).replace("a: wait", "wait").replace("a: watch", "watch").replace("a: fps", "fps")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "SOURCE: expected where frames come from, such as 0 or rtsp://camera/live."),
        (["a=0", "a=1"], "SOURCE: two cameras are called 'a'."),
        (["a=0", "1"], "SOURCE: expected NAME=SOURCE for each of several cameras, got '1'."),
        (["a/b=0", "c=1"], "SOURCE: expected NAME=SOURCE for each of several cameras, got 'a/b=0'"),
        (["a b=0", "c=1"], "expected a name of letters, digits and . _ -"),
        (["a=0", "b=/dev/video0"], "a and b read the same, /dev/video0, and only one can."),
        (["a=-", "b=-"], "a and b read the same, stdin, and only one can."),
        (["a=x.mp4", "b=0", "--size", "4x4"], "a: --size: does not go with the source x.mp4."),
        (["a=0", "b=1", "--camera", "c"], "--camera: goes only with one source"),
        (["a=0", "b=1", "--calibrate", "10s"], "--calibrate: watches one camera at a time."),
        (["a=0", "b=1", "-o", "x.doc"], "--output: expected a folder or a file ending in"),
        (["0", "--workers", "2"], "--workers: goes only with several cameras."),
        (["a=0", "--cameras", "c.toml"], "--cameras: names the cameras already, got 'a=0' too."),
        (["--cameras", "c.toml", "--fps", "2"], "--fps: has its place in the file of cameras."),
    ],
)
def test_what_does_not_go_together_is_refused(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text("cameras.a = 0\n")
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_path_with_an_equals_sign_is_a_path(address: str, tmp_path: Path) -> None:
    (tmp_path / "a=b.jpg").write_bytes(jpeg(address))
    done = run("a=b.jpg", "-q", folder=tmp_path)
    assert json.loads(done.stdout)["path"] == "a=b.jpg"


def test_prometheus_has_a_value_of_each_camera_for_each_number(
    address: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    cameras = (f"yard={address}/live", f"door={address}/live", "--metrics", "0", "-o", "days")
    process = begin(*cameras, folder=tmp_path, log=log)
    for name in ("yard", "door"):
        wait_for(log, f"{name}: connected", process)
    found = re.search(r"metrics at (\S+)", log.read_text())
    assert found is not None
    with urllib.request.urlopen(found[1], timeout=5) as answer:  # noqa: S310
        text = answer.read().decode()
    end(process)
    for name in ("yard", "door"):
        assert re.search(rf'^edgefeat_records_total{{.*camera="{name}"}} \d+$', text, re.MULTILINE)
        assert f'camera="{name}",state="streaming"}} 1' in text
    families = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(families) == len(set(families))
