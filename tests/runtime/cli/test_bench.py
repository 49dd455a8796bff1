"""`edgefeat bench` from end to end, on the shipped model and photos; no figure is judged."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgefeat.bench.pictures import load_pictures
from edgefeat.bench.report.files import read_report, write_report
from edgefeat.cli.main import main
from edgefeat.errors import SourceError

PHOTOS = Path(__file__).parents[2] / "data" / "photos"
QUICK = ["--duration=0.05", "--calls=16", "--cold-starts=0", "--processes=1", "--workers=2"]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that one run of all scenarios writes."""
    folder = tmp_path_factory.mktemp("bench")
    files = [f"--{kind}={folder / ('r.' + kind)}" for kind in ("json", "csv", "html")]
    scenarios = ["--scenario=single-stream", "--scenario=offline", "--scenario=camera"]
    code = main(["bench", str(PHOTOS), "--threads=1,2", *scenarios, *QUICK, *files, "-q"])
    assert code == 0
    return folder


def test_report_says_what_was_measured(quick: Path) -> None:
    report = read_report(quick / "r.json")
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
    assert report.machine.versions["onnxruntime"]


def test_report_survives_writing_and_reading(quick: Path, tmp_path: Path) -> None:
    report = read_report(quick / "r.json")
    write_report(report, tmp_path / "again.json")
    assert read_report(tmp_path / "again.json") == report


def test_csv_leaves_unsupported_percentiles_empty(quick: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((quick / "r.csv").read_text())))
    total = next(row for row in rows if row["stage"] == "total")
    assert float(total["p50_ms"]) > 0
    assert total["p99_ms"] == ""
    assert {row["scenario"] for row in rows} == {"single-stream", "offline", "camera"}


def test_page_needs_nothing_else(quick: Path) -> None:
    page = (quick / "r.html").read_text()
    assert page.count("<svg") == page.count("</svg>") == 6  # two overviews, two a setup
    assert not any(word in page for word in ("<script", "http:", "https:", "src=", "@import"))


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
        "needs 128 calls after warm-up, got 16 in this run: see --calls" in capsys.readouterr().out
    )


def test_server_and_queries(tmp_path: Path) -> None:
    target = tmp_path / "r.json"
    scenarios = ["--scenario=server", "--scenario=multi-stream", "--streams=1"]
    bound = ["--latency-bound=0.001"]  # nothing keeps it, so every trial ends early
    assert main(["bench", *QUICK, *scenarios, *bound, f"--json={target}", "-q"]) == 0
    (subject,) = read_report(target).subjects
    assert subject.server is not None
    assert subject.server.rate_per_s is None
    assert not any(trial.passed for trial in subject.server.trials)
    assert subject.multi_stream is not None
    assert subject.multi_stream.query.calls >= 64


def test_cold_start_adds_up(tmp_path: Path) -> None:
    target = tmp_path / "r.json"
    options = ["--duration=0.05", "--calls=16", "--cold-starts=1", "--processes=1"]
    assert main(["bench", *options, f"--json={target}", "-q"]) == 0
    cold = read_report(target).subjects[0].cold_start
    assert cold is not None
    steps = cold.interpreter_ms + cold.imports_ms + cold.load_ms + cold.first_call_ms
    assert steps == pytest.approx(cold.total_ms, abs=0.1)
    assert cold.peak_rss_bytes is not None
    assert cold.peak_rss_bytes > 20_000_000


def test_a_video_gives_its_frames(tmp_path: Path) -> None:
    clip = tmp_path / "clip.avi"
    photo = cv2.imread(str(PHOTOS / "chelsea.jpg"))[:, :450]  # codecs want even sides
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 10, photo.shape[1::-1])
    for shift in range(5):
        writer.write(np.roll(photo, shift, axis=1))
    writer.release()
    pictures = load_pictures([str(clip)])
    assert len(pictures.items) == 5
    assert {np.asarray(frame).shape for frame in pictures.items} == {photo.shape}
    assert main(["bench", str(clip), *QUICK, "--cold-starts=1", "-q"]) == 0


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from edgefeat.cli.main import main\n"
        "try: main(['bench', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'numpy', 'cv2', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fail-if=p90>10%"], "--fail-if: needs --compare OLD"),
        (["--compare=x", "--fail-if=fast"], "expected a rule like 'p90>+10%'"),
        (["--duration=-1"], "expected a number above 0, got '-1'"),
    ],
    ids=["rule-alone", "no-rule", "no-time"],
)
def test_wrong_usage(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", *arguments])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no", "expected JSON of `edgefeat bench`"),
        (json.dumps({"schema": "x"}), "schema: expected 'edgefeat.bench/1', got 'x'"),
        (json.dumps({"schema": "edgefeat.bench/1"}), "created: expected a string, got nothing"),
    ],
    ids=["no-json", "other-schema", "incomplete"],
)
def test_foreign_reports_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "old.json"
    path.write_text(text)
    with pytest.raises(SourceError, match=f"{path}: {message}"):
        read_report(path)


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
