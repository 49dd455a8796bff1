"""The HTML report on runs whose truth is known: nothing is drawn or named that is not there."""

import re
from dataclasses import replace

import numpy as np
import pytest

from edgefeat.bench import BenchReport, as_html
from edgefeat.bench.report.charts import over_time
from edgefeat.bench.results import Subject
from edgefeat.bench.statistics.compare import paired_ratios
from known_runs import noisy, report, subject


def two_setups(*cosines: float | None, levels_ms: tuple[float, float] = (2.0, 3.0)) -> BenchReport:
    rng = np.random.default_rng(7)
    subjects: tuple[Subject, ...] = tuple(
        replace(subject(noisy(rng, level, 160)), label=f"<{level}>", cosine_to_keras=cosine)
        for level, cosine in zip(levels_ms, cosines, strict=True)
    )
    ratios = tuple(paired_ratios(subjects))
    return replace(report(np.full(160, 2.0)), subjects=subjects, ratios=ratios)


def test_the_page_needs_nothing_else() -> None:
    page = as_html(two_setups(0.998, 1.0))
    assert page.count("<svg") == page.count("</svg>") == 6  # two overviews, two for each setup
    assert not any(word in page for word in ("<script", "http:", "https:", "src=", "@import"))


def test_names_are_text_not_markup() -> None:
    page = as_html(two_setups(0.998, 1.0))
    assert "<2.0>" not in page
    assert "&lt;2.0&gt;" in page


def test_a_dashed_line_is_drawn_where_speed_costs_fidelity() -> None:
    page = as_html(two_setups(0.998, 1.0))
    assert "no setup beats those on the dashed line" in page
    assert page.count('class="line frontier"') == 1
    ticks = re.findall(r'text-anchor="end">(0\.99[^<]+|1\.0[^<]*)<', page)
    assert ticks == ["0.9980", "0.9985", "0.9990", "0.9995", "1.0000"]


def test_no_dashed_line_is_named_where_one_setup_is_best_in_both() -> None:
    page = as_html(two_setups(1.0, 0.998))
    assert "Fidelity and speed</figcaption>" in page
    assert "dashed line" not in page
    assert 'class="line frontier"' not in page


def test_fidelity_is_not_drawn_where_setups_do_not_differ_in_it() -> None:
    assert "Fidelity" not in as_html(two_setups(0.99806, 0.99806))
    assert "Fidelity" not in as_html(two_setups(0.99806, None))


def test_bars_are_to_one_scale() -> None:
    """Every bar fills a row of its own; the slowest setup's fills all of it."""
    page = as_html(two_setups(None, None))
    bars = re.findall(r'<div class="bar">.*?<div>(.*?)</div>', page)
    widths = [sum(map(float, re.findall(r"width:([\d.]+)%", bar))) for bar in bars]
    means = [one.single_stream for one in two_setups(None, None).subjects]
    fast, slow = (run.stages_ms["total"].mean_ms for run in means if run)
    assert widths == pytest.approx([100 * fast / slow, 100.0], abs=0.05)


def test_every_cell_of_a_table_names_its_column() -> None:
    """On a phone the cells stand one below the other, and the header is gone."""
    page = as_html(two_setups(None, None))
    tables = re.findall(r"<table>(.*?)</table>", page)
    assert len(tables) == 2  # percentiles and ratios
    for table in tables:
        names = re.findall(r"<th>(.*?)</th>", table)
        rows = re.findall(r"<tr><td.*?</tr>", table)
        assert rows
        for row in rows:
            assert re.findall(r'<td data-name="(.*?)">', row) == names


def test_a_legend_needs_two_setups() -> None:
    one = report(np.full(160, 2.0))
    assert as_html(one).count('class="legend"') == 1  # the stages' alone
    assert as_html(two_setups(None, None)).count('class="legend"') == 2


def test_a_report_without_a_single_stream_still_tells_the_rest() -> None:
    whole = report(np.full(160, 2.0))
    (only,) = whole.subjects
    page = as_html(replace(whole, subjects=(replace(only, single_stream=None),)))
    assert "in this process  load 1.0 ms, first call 1.00 ms" in page


def test_the_warm_up_of_each_process_is_shaded() -> None:
    rng = np.random.default_rng(7)
    warm = [np.concatenate([noisy(rng, 4.0, 40), noisy(rng, 2.0, 280)]) for _ in range(2)]
    run = subject(*warm, noisy(rng, 2.0, 320)).single_stream
    assert run is not None
    assert over_time(run, 0).count("warm-up, left out") == 2
