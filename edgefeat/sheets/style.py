"""The style of contact sheets: light and dark, for a desk and for a phone."""

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark; --back:#fff; --ink:#1c2430; --soft:#5b6675; --line:#d5dbe2;
  --panel:#f3f5f8; --mark:#b3261e; --keep:#1b7a43; --focus:#2f6fde }
@media (prefers-color-scheme: dark) { :root { --back:#12161c; --ink:#e4e9ef; --soft:#9aa6b4;
  --line:#333c47; --panel:#1b222b; --mark:#ff8a80; --keep:#69d394; --focus:#6ea4ff } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; padding: 1.2rem 1.2rem 5rem }
h1 { font-size: 1.45rem; margin: 0 0 .3rem }
h2 { font-size: 1.02rem; margin: 1.6rem 0 .5rem; overflow-wrap: anywhere }
h2 small { color: var(--soft); font-weight: 400 }
.facts { margin: 0; color: var(--soft); font-size: .88rem; max-width: 60rem }
.facts p { margin: .15rem 0 }
.table { overflow-x: auto; margin: .3rem 0 .8rem; max-width: 100% }
.table table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums }
.table th, .table td { border: 1px solid var(--line); padding: .2rem .55rem; text-align: right;
  white-space: nowrap; font-weight: 400 }
.table th[scope=row] { text-align: left; position: sticky; left: 0; background: var(--back) }
.table thead th { color: var(--soft) } .table .marked { color: var(--keep); font-weight: 600 }
.tools { position: sticky; top: 0; z-index: 2; background: var(--back); padding: .6rem 0;
  display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center }
.tools input { font: inherit; color: inherit; background: var(--panel); padding: .45rem .7rem;
  border: 1px solid var(--line); border-radius: .4rem; min-width: 0; flex: 0 1 18rem }
.tools output, .keys { color: var(--soft); font-size: .85rem }
kbd { border: 1px solid var(--line); border-radius: .25rem; padding: 0 .3rem; font-size: .8rem }
section { content-visibility: auto; contain-intrinsic-size: auto 20rem }
.cards { list-style: none; margin: 0; padding: 4px; display: grid; gap: .7rem;
  grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)) }
.card { position: relative; background: var(--panel); border: 1px solid var(--line);
  border-radius: .5rem; overflow: hidden; display: flex; flex-direction: column; min-width: 0 }
.card:focus-visible { outline: 3px solid var(--focus); outline-offset: 1px }
.card img, .card .none { width: 100%; height: 10rem; object-fit: contain; display: block;
  background: color-mix(in srgb, var(--ink) 7%, transparent); cursor: zoom-in }
.card .none { display: grid; place-items: center; color: var(--soft); cursor: default;
  font-size: .85rem; text-align: center; padding: 1rem }
.card p { margin: 0; padding: .35rem .55rem .5rem; font-size: .82rem; line-height: 1.35 }
.card b { font-weight: 600; overflow-wrap: anywhere; display: block }
.told { color: var(--soft); font-variant-numeric: tabular-nums; display: flex; flex-wrap: wrap;
  gap: 0 .6rem } .told span { white-space: nowrap }
.card .word { color: var(--ink); border: 1px solid var(--line); border-radius: 1rem;
  padding: 0 .45rem; font-style: normal }
.card .word.keep { color: var(--keep); border-color: currentColor; font-weight: 600 }
.card .mark { position: absolute; right: 0; top: 0; width: 2.75rem; height: 2.75rem; padding: 0;
  border: 0; background: none; color: var(--soft); font-size: 1.1rem; line-height: 1 }
.card .mark { isolation: isolate }
.card .mark::before { content: ""; position: absolute; inset: .55rem; z-index: -1;
  border-radius: .3rem; background: var(--panel); opacity: .85 }
.card.marked { border-color: var(--mark) } .card.marked .mark { color: var(--mark) }
.card.marked img { opacity: .5 }
.card[hidden], section[hidden] { display: none }
.bar { position: fixed; inset: auto 0 0 0; background: var(--panel); padding: .6rem 1.2rem;
  border-top: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: .4rem 1rem;
  align-items: center; z-index: 3 }
button { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line);
  border-radius: .4rem; padding: .45rem .9rem; cursor: pointer }
button:disabled { opacity: .5; cursor: default }
dialog { border: 1px solid var(--line); border-radius: .6rem; background: var(--back);
  color: var(--ink); max-width: min(96vw, 60rem); width: max-content; padding: 1rem }
dialog::backdrop { background: rgb(0 0 0 / .6) }
dialog img { display: block; max-width: 100%; max-height: 70vh; width: 40rem;
  object-fit: contain; margin: 0 auto .6rem }
dialog p { overflow-wrap: anywhere; margin: .2rem 0 .7rem }
dialog textarea { width: 40rem; max-width: 100%; height: 50vh; font: 13px/1.5 ui-monospace,
  monospace; color: inherit; background: var(--panel); border: 1px solid var(--line) }
@media (max-width: 40rem) {
  body { padding: .8rem .8rem 5rem } .keys { display: none }
  .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .5rem }
  .card img, .card .none { height: 8rem } .tools input { flex: 1 1 10rem }
  .bar { padding: .5rem .8rem }
}
@media print { .tools, .bar, .mark { display: none } section { break-inside: avoid } }
"""
