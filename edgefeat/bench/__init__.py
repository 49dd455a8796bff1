"""How long features take on this device, and whether that can be believed.

    from edgefeat import bench

    report = bench.run(bench.Setup.of("mine.onnx", threads=2), pictures="photos/")
    print(bench.as_text(report))
    bench.write_report(report, "today.json")

    for judgement in bench.judge(bench.read_report("yesterday.json"), report, ["p50>+5%"]):
        print(judgement.label, judgement.verdict, judgement.ratio)

In a script, `run` stands under `if __name__ == "__main__":`, because it starts fresh processes.
`edgefeat bench` does the same on the command line. Names are resolved on first use: importing this
package loads neither NumPy, OpenCV nor ONNX Runtime.

The flow of a benchmark, from top to bottom:

    plan, pictures, rows   what is to be measured, and on what
    runner                 one benchmark from its plan to its report
    cold_start, loads/     fresh processes; the loads that are put on a model
    frames/                what a frame costs on its way, by kind of source
    pipeline, yardstick    what is timed: a picture's stages, and a fixed piece of work
    series, statistics/    latencies become figures and verdicts
    conditions             whether the machine was fit to be measured on
    results                the report, with `load_results` and `surroundings` as its parts
    report/                the report for people and programs
"""

TYPE_CHECKING = False  # as in `edgefeat`: importing typing costs more than all the rest here
if TYPE_CHECKING:
    from edgefeat.bench.pictures import Pictures, load_pictures, sample_pictures
    from edgefeat.bench.plan import (
        BenchPlan,
        CameraLoad,
        MultiStreamLoad,
        OfflineLoad,
        ServerLoad,
        Setup,
        SingleStreamLoad,
    )
    from edgefeat.bench.report.files import read_report, write_report
    from edgefeat.bench.report.html import as_html
    from edgefeat.bench.report.schema import json_schema
    from edgefeat.bench.report.spreadsheet import as_csv
    from edgefeat.bench.report.table import as_text
    from edgefeat.bench.results import BenchReport
    from edgefeat.bench.rows import RowItems
    from edgefeat.bench.runner import run, run_plan
    from edgefeat.bench.statistics.gate import Judgement, Verdict, judge

__all__ = [
    "BenchPlan",
    "BenchReport",
    "CameraLoad",
    "Judgement",
    "MultiStreamLoad",
    "OfflineLoad",
    "Pictures",
    "RowItems",
    "ServerLoad",
    "Setup",
    "SingleStreamLoad",
    "Verdict",
    "as_csv",
    "as_html",
    "as_text",
    "json_schema",
    "judge",
    "load_pictures",
    "read_report",
    "run",
    "run_plan",
    "sample_pictures",
    "write_report",
]

_HOMES = {
    "BenchPlan": "plan",
    "BenchReport": "results",
    "CameraLoad": "plan",
    "Judgement": "statistics.gate",
    "MultiStreamLoad": "plan",
    "OfflineLoad": "plan",
    "Pictures": "pictures",
    "RowItems": "rows",
    "ServerLoad": "plan",
    "Setup": "plan",
    "SingleStreamLoad": "plan",
    "Verdict": "statistics.gate",
    "as_csv": "report.spreadsheet",
    "as_html": "report.html",
    "as_text": "report.table",
    "json_schema": "report.schema",
    "judge": "statistics.gate",
    "load_pictures": "pictures",
    "read_report": "report.files",
    "run": "runner",
    "run_plan": "runner",
    "sample_pictures": "pictures",
    "write_report": "report.files",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'edgefeat.bench' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"edgefeat.bench.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
