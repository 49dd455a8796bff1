"""The style sheet of the HTML report: light and dark, for a desk and for a phone."""

from __future__ import annotations

from edgefeat.bench.pipeline import STAGES
from edgefeat.bench.report.charts import COLOURS

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark; --back:#fff; --ink:#1c2430; --soft:#5b6675; --line:#dfe4ea;
  --panel:#f6f8fa; --bad:#b3261e; --good:#1b7a43;
  --c0:#2f6fde; --c1:#d97a1d; --c2:#23945f; --c3:#a04bb8; --c4:#c23b4b; --c5:#5d7285;
  --s0:#f0b429; --s1:#7fb3d5; --s2:#34495e; }
@media (prefers-color-scheme: dark) { :root { --back:#12161c; --ink:#e4e9ef; --soft:#9aa6b4;
  --line:#2b333d; --panel:#1a2028; --bad:#ff8a80; --good:#69d394;
  --c0:#6ea4ff; --c1:#f2a65a; --c2:#5cc998; --c3:#cf8fe3; --c4:#f2808d; --c5:#9db2c6;
  --s0:#e0a52a; --s1:#5d8fb3; --s2:#b7c6d6; } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; background: var(--back);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 .2rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
h1, h2, td, pre, li { overflow-wrap: anywhere }
p, ul { margin: .3rem 0 } .soft { color: var(--soft); font-size: .87rem }
.badge { display: inline-block; padding: .05rem .6rem; border-radius: 1rem; font-weight: 600;
  border: 1px solid currentColor } .bad { color: var(--bad) } .good { color: var(--good) }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100% }
th, td { padding: .3rem .45rem; text-align: right; border-bottom: 1px solid var(--line) }
th:first-child, td:first-child { text-align: left } td:not(:first-child) { white-space: nowrap }
th { color: var(--soft); font-weight: 600 } td small { color: var(--soft); display: block }
.grid2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr));
  gap: 1rem } figure { margin: 0 0 1rem; padding: .8rem; background: var(--panel);
  border-radius: .5rem; min-width: 0 }
figcaption { font-weight: 600; margin-bottom: .3rem }
svg { width: 100%; max-width: 44rem; height: auto; display: block;
  font: 11px system-ui, sans-serif }
svg text { fill: var(--soft) } svg .note { fill: var(--ink); paint-order: stroke;
  stroke: var(--panel); stroke-width: 3px } .grid { stroke: var(--line) }
.line { fill: none; stroke-width: 2 } .rule { stroke: var(--ink); stroke-dasharray: 3 3 }
.frontier { stroke: var(--soft); stroke-dasharray: 5 4 } .dots { opacity: .75 }
.warmup { fill: var(--c1); opacity: .2 } .dots.outlier { fill: var(--bad); opacity: 1 }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .87rem }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem;
  margin-right: .35rem; vertical-align: -.08rem }
.bar { display: grid; grid-template-columns: 1fr auto; gap: .1rem .6rem; margin: .7rem 0 }
.bar b { font-weight: 500; overflow-wrap: anywhere } .bar em { font-style: normal }
.bar div { display: flex; height: 1.1rem; grid-column: 1 / -1 }
.bar small { color: var(--soft); grid-column: 1 / -1 }
pre { white-space: pre-wrap; font-size: .82rem; color: var(--soft); margin: .3rem 0 }
@media (max-width: 45rem) {
  body { padding: 1rem } svg { font-size: 13px }
  table, tbody, tr, td { display: block } tr:has(th) { display: none }
  tr { border-bottom: 1px solid var(--line); padding: .4rem 0 }
  td, td:first-child { border: 0; padding: .1rem 0; text-align: right }
  td::before { content: attr(data-name); float: left; color: var(--soft) }
  td:first-child { text-align: left; font-weight: 600 } td:first-child::before { content: none }
  td small { display: inline; margin-left: .5rem } td:empty { display: none }
}
""" + "\n".join(
    f"i.c{i} {{ background: var(--c{i}) }} "
    f".area.c{i}, .dots.c{i} {{ fill: var(--c{i}) }} .line.c{i} {{ stroke: var(--c{i}) }}"
    for i in range(COLOURS)
)
STYLE += "".join(f"\ni.s{i}, .bar .s{i} {{ background: var(--s{i}) }}" for i in range(len(STAGES)))
