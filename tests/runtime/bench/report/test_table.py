"""The report as text, on a run whose truth is known."""

from dataclasses import replace

import numpy as np

from edgefeat.bench import as_text, judge
from edgefeat.bench.report.table import judgement_line
from known_runs import CALM, noisy, report


def test_the_whole_report() -> None:
    found = report(np.full(160, 2.0))
    assert as_text(found) == (
        "machine:  Some CPU, 2 cores, 8 GB; avx2, avx512_vnni\n"
        "software: python 3.12.1, numpy 2.1.0\n"
        "pictures: 1, test\n"
        "\n"
        "m: int8, 0.0 MB, cpu, 1 thread\n"
        "  single stream    500.0 pictures/s, 2.00 ms CPU a picture; "
        "160 calls, 0 of them warm-up and left out\n"
        "    in 5 processes, whose medians are up to 0.0% apart\n"
        "    ms            mean       p50       p90       p95       p99     p99.9    "
        "p50's 95 % interval\n"
        "    decode       0.400     0.400     0.400     0.400     n<662    n<6636    "
        "0.400 to 0.400\n"
        "    resize       0.200     0.200     0.200     0.200     n<662    n<6636    "
        "0.200 to 0.200\n"
        "    run          1.400     1.400     1.400     1.400     n<662    n<6636    "
        "1.400 to 1.400\n"
        "    total        2.000     2.000     2.000     2.000     n<662    n<6636    "
        "2.000 to 2.000\n"
        "    n<N: the sample is too small for this percentile, which needs N calls\n"
        "  in this process  load 1.0 ms, first call 1.00 ms\n"
        "\n"
        "conditions: valid\n"
    )


def test_what_makes_figures_invalid_stands_at_the_end() -> None:
    bad = replace(CALM, invalid=("hot",), notes=("slow governor",))
    text = as_text(replace(report(np.full(160, 2.0)), conditions=bad))
    assert text.endswith(
        "\nINVALID: hot\n"
        "These figures say more about the machine's state than about the models.\n"
        "note: slow governor\n"
    )


def test_an_option_that_may_mend_it_is_spelled_for_the_reader() -> None:
    old = report(noisy(np.random.default_rng(7), 2.0, 160))
    (judgement,) = judge(old, old, ["p99>5%"])
    name = f"  {'m':<40} p99>5%     undecided "
    reason = "(needs 662 calls after warm-up, got 160 in this run: see "
    assert judgement_line(judgement, as_rule=True) == f"{name}{reason}min_calls)"
    flag = judgement_line(judgement, as_rule=True, spell=lambda _option: "--min-calls")
    assert flag == f"{name}{reason}--min-calls)"
