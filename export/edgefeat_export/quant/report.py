"""Writes an HTML page on a quantized model: what each layer lost, what was tried and gained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10

from edgefeat.measures.agreement import Agreement
from edgefeat_export.quant.search import Attempt, SearchOutcome

__all__ = ["report_page"]

_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#222;background:#fff}table{border-collapse:collapse}
td,th{padding:.2rem .8rem;text-
align:right; border-bottom:1px solid #ddd}td:first-child,th:first-child{text-
align:left}.bar{fill:#3b6ea5} .kept{fill:#c77}text{font:11px system-ui,sans-serif;fill:#222}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}text{fill:#ddd}}"""
_ROW, _LABEL, _WIDTH = 14, 200, 760  # pixels
_FLOOR_DB = -60.0  # an error below this has no bar


def report_page(
    name: str,
    outcome: SearchOutcome,
    *,
    size_before: int,
    calibration: str,
) -> str:
    """Return the page. It loads nothing from elsewhere.

    Args:
        name: Name of the model.
        outcome: What the search found.
        size_before: Bytes of the float model.
        calibration: Where the calibration pictures are from.
    """
    quantized, latency = outcome.quantized, outcome.attempts[-1].latency
    parts = [
        f"<h1>{escape(name)}, int8</h1>",
        f"<p>Target <b>{quantized.target.name}</b>: {escape(quantized.target.why)}. "
        f"Calibrated on {escape(calibration)}.</p>",
        f"<p>{escape(outcome.attempts[-1].integer.describe())}.</p>",
        _table(
            ("", "float", "int8", "ratio"),
            [
                _ratio_row("file, MB", size_before / 1e6, outcome.attempts[-1].size_bytes / 1e6),
                _ratio_row("latency, ms", latency.before_ms, latency.after_ms),
            ],
        ),
        f"<p>Latency: medians of {latency.runs} runs in turns, one thread, batch 1.</p>",
        "<h2>Fidelity to the float model</h2>",
        _attempts(outcome.attempts),
        "<p>Measured on pictures that were not used to calibrate. Overlap: share of the ten "
        "nearest neighbours that stayed. Layers that a row keeps in float stay so in all rows "
        "below. Latency is divided by the float model's.</p>",
        "<h2>Error of each layer's output</h2>",
        "<p>Error power over signal power in decibels; shorter is better. What a layer inherits "
        "from those before it is included.</p>",
        _chart(quantized.errors, quantized.kept_float),
    ]
    body = "\n".join(parts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(name)}</title>'
        f"<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _ratio_row(label: str, before: float, after: float) -> tuple[str, ...]:
    return label, f"{before:.2f}", f"{after:.2f}", f"{after / before:.3f}"


def _attempts(attempts: Sequence[Attempt]) -> str:
    head = ("added in float", "cosine mean", "p1", "min", "relative L2", "overlap", "MB", "latency")
    rows: list[tuple[str, ...]] = []
    before: tuple[str, ...] = ()
    for one in attempts:
        added = [name for name in one.kept_float if name not in before]
        cost = f"{one.size_bytes / 1e6:.2f}", f"{one.latency.ratio:.3f}"
        rows.append((", ".join(added) or "none", *_numbers(one.fidelity), *cost))
        before = one.kept_float
    return _table(head, rows)


def _numbers(fidelity: Agreement) -> tuple[str, ...]:
    p1, overlap = fidelity.cosine_p1, fidelity.neighbour_overlap_10
    return (
        f"{fidelity.cosine_mean:.5f}",
        "too few" if p1 is None else f"{p1:.4f}",
        f"{fidelity.cosine_min:.4f}",
        f"{fidelity.relative_l2_mean:.4f}",
        "too few" if overlap is None else f"{overlap:.3f}",
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["".join(f"<th>{escape(cell)}</th>" for cell in head)]
    lines += ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _chart(errors: Mapping[str, float], kept_float: Sequence[str]) -> str:
    bars = []
    for index, (name, error) in enumerate(errors.items()):
        decibels = max(_FLOOR_DB, 10 * log10(max(error, 1e-12)))
        width = max(1.0, (_WIDTH - _LABEL - 60) * (1 - decibels / _FLOOR_DB))
        top = index * _ROW
        kind = "kept" if name in kept_float else "bar"
        bars.append(
            f'<text x="{_LABEL - 6}" y="{top + 11}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="{kind}" x="{_LABEL}" y="{top + 2}" width="{width:.1f}" height="10"/>'
            f'<text x="{_LABEL + width + 4:.1f}" y="{top + 11}">{decibels:.1f}</text>'
        )
    height = len(bars) * _ROW
    return f'<svg width="{_WIDTH}" height="{height}" role="img">{"".join(bars)}</svg>'
