"""`edgefeat bench` from end to end, on the shipped model and photos; no figure is judged."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgefeat import bench
from edgefeat.cli.main import main

PHOTOS = Path(__file__).parents[2] / "data" / "photos"
QUICK = ["--duration=0.05", "--min-calls=16", "--cold-starts=0", "--processes=1"]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that one run of several loads writes."""
    folder = tmp_path_factory.mktemp("bench")
    files = [f"--{kind}={folder / ('r.' + kind)}" for kind in ("json", "csv", "html")]
    loads = ["--scenario=single-stream", "--scenario=offline", "--scenario=camera", "--workers=2"]
    code = main(["bench", str(PHOTOS), "--threads=1,2", *loads, *QUICK, *files, "-q"])
    assert code == 0
    return folder


def test_report_says_what_was_measured(quick: Path) -> None:
    report = bench.read_report(quick / "r.json")
    one, two = report.subjects
    assert (one.threads, two.threads) == (1, 2)
    assert one.label == "efficientnet_lite0_224_int8, 1 thread"
    assert one.providers == ("cpu",)
    assert len(one.fingerprint) == 64
    run = one.single_stream
    assert run is not None
    assert run.calls == len(run.series_ms["total"]) == 16
    assert list(run.stages_ms) == ["decode", "resize", "run", "total"]
    parts = [run.stages_ms[stage].mean_ms for stage in ("decode", "resize", "run")]
    assert sum(parts) == pytest.approx(run.stages_ms["total"].mean_ms, abs=0.001)
    assert [ratio.statistic for ratio in report.ratios] == ["p50", "p90"]
    assert one.camera is not None
    assert one.camera.emitted + one.camera.dropped == one.camera.frames
    assert one.offline is not None
    assert one.offline.workers == 2
    assert report.machine.versions["onnxruntime"]


def test_csv_leaves_unsupported_percentiles_empty(quick: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((quick / "r.csv").read_text())))
    total = next(row for row in rows if row["stage"] == "total")
    assert float(total["p50_ms"]) > 0
    assert total["p99_ms"] == ""
    assert {row["scenario"] for row in rows} == {"single-stream", "offline", "camera"}


def test_page_is_of_both_setups(quick: Path) -> None:
    page = (quick / "r.html").read_text()
    assert page.count("<svg") == page.count("</svg>") == 5  # one overview, two for each setup


def test_table_never_shows_an_unsupported_percentile(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *QUICK]) == 0
    total = next(line for line in capsys.readouterr().out.splitlines() if "   total" in line)
    assert "n<64" in total
    assert "n<6636" in total


def test_an_undecidable_rule_is_neither_passed_nor_failed(
    quick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compare = [f"--compare={quick / 'r.json'}", "--fail-if=p50>+10%"]
    assert main(["bench", str(PHOTOS), "--threads=1,2", *QUICK, *compare]) == 3
    assert (
        "needs 128 calls after warm-up, got 16 in this run: see --min-calls"
        in capsys.readouterr().out
    )


def test_a_rate_of_arrivals_and_queries(tmp_path: Path) -> None:
    target = tmp_path / "r.json"
    loads = ["--scenario=server", "--scenario=multi-stream", "--streams=1", "--duration=0.05"]
    bound = ["--latency-bound=0.001"]  # nothing keeps it, so every trial ends early
    options = ["--workers=2", "--cold-starts=0", "-q", f"--json={target}"]
    assert main(["bench", *loads, *bound, *options]) == 0
    (subject,) = bench.read_report(target).subjects
    assert subject.single_stream is None
    assert subject.server is not None
    assert subject.server.rate_per_s is None
    assert not any(trial.passed for trial in subject.server.trials)
    assert subject.multi_stream is not None
    assert subject.multi_stream.query.calls >= 64


def test_cold_start_adds_up(tmp_path: Path) -> None:
    target = tmp_path / "r.json"
    options = ["--duration=0.05", "--min-calls=16", "--cold-starts=1", "--processes=1"]
    assert main(["bench", *options, f"--json={target}", "-q"]) == 0
    cold = bench.read_report(target).subjects[0].cold_start
    assert cold is not None
    steps = cold.interpreter_ms + cold.imports_ms + cold.load_ms + cold.first_call_ms
    assert steps == pytest.approx(cold.total_ms, abs=0.1)
    assert cold.peak_rss_bytes is not None
    assert cold.peak_rss_bytes > 20_000_000


def test_a_video_gives_its_frames(tmp_path: Path) -> None:
    clip = tmp_path / "clip.avi"
    photo = cv2.imread(str(PHOTOS / "chelsea.jpg"))
    assert photo is not None
    photo = photo[:, :450]  # codecs want even sides
    size_wh = photo.shape[1], photo.shape[0]
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 10, size_wh)
    for shift in range(5):
        writer.write(np.roll(photo, shift, axis=1))
    writer.release()
    pictures = bench.load_pictures([str(clip)])
    assert pictures.source == f"first frames of {clip}"
    assert len(pictures.items) == 5
    assert {np.asarray(frame).shape for frame in pictures.items} == {photo.shape}
    assert main(["bench", str(clip), *QUICK, "--cold-starts=1", "-q"]) == 0


def test_the_schema_is_printed_and_nothing_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--schema"]) == 0
    assert '"title": "Report of `edgefeat bench`"' in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from edgefeat.cli.main import main\n"
        "try: main(['bench', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'numpy', 'cv2', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


RULE = "expected a rule like 'p90>+10%' (p50, p90, ... or cpu, then a growth)"
WRONG = {
    "--fail-if=p90>10%": "--fail-if: there is no earlier run to compare with. "
    "Name it with --compare OLD.",
    "--compare=x --fail-if=fast": f"--fail-if: {RULE}, got 'fast'.",
    "--duration=-1": "--duration: expected a number above 0, got -1.0.",
    "--duration=nan": "--duration: expected a number above 0, got nan.",
    "--processes=0": "--processes: expected a whole number of 1 or more, got 0.",
    "--cold-starts=-1": "--cold-starts: expected a whole number of 0 or more, got '-1'.",
    "--latency-bound=20": "--latency-bound: has no effect on single-stream. "
    "Leave it out, or add --scenario server.",
    "--streams=4": "--streams: has no effect on single-stream. "
    "Leave it out, or add --scenario multi-stream.",
    "--fps=15": "--fps: has no effect on single-stream. Leave it out, or add --scenario camera.",
    "--workers=2": "--workers: has no effect on single-stream. "
    "Leave it out, or add --scenario multi-stream or server or offline.",
    "--scenario=camera --min-calls=9": "--min-calls: has no effect on camera. "
    "Leave it out, or add --scenario single-stream.",
    "--scenario=camera --scenario=offline --processes=9": "--processes: has no effect on camera "
    "and offline. Leave it out, or add --scenario single-stream.",
    "--scenario=server --duration=9": "--duration: has no effect on server. Leave it out, or add "
    "--scenario single-stream or multi-stream or offline or camera.",
    "--scenario=camera --compare=x": "--compare: only single-stream can be compared, and it is "
    "not measured. Add --scenario single-stream.",
    "--schema --json=x": "--json: has no effect beside --schema, which measures nothing. "
    "Leave it out.",
    "--schema --fps=3": "--fps: has no effect beside --schema, which measures nothing. "
    "Leave it out.",
    "photos --schema": "SOURCE: has no effect beside --schema, which measures nothing. "
    "Leave it out.",
    "--json=x --html=x": "--html: another output is written to x too. Name a file for each.",
    "-": "SOURCE: expected files, folders, a video, camera or URL, got stdin. "
    "Save what comes from stdin first.",
}


@pytest.mark.parametrize(("words", "message"), WRONG.items(), ids=WRONG)
def test_wrong_usage(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *words.split(" ")]) == 2
    said = f"edgefeat bench: error: {message}\nsee `edgefeat bench --help`\n"
    assert capsys.readouterr() == ("", said)


def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = ["bench", "--duration=60", "--json"]
    assert main([*long, str(tmp_path / "none" / "r.json")]) == 3
    assert main([*long, str(tmp_path)]) == 3
    assert capsys.readouterr().err.splitlines() == [
        f"edgefeat: error: {tmp_path / 'none' / 'r.json'}: the folder {tmp_path / 'none'} does not "
        "exist. Create it, or choose another place.",
        f"edgefeat: error: {tmp_path}: a folder, expected a file. Name a file inside it.",
    ]
