"""From series of latencies to figures, and from two runs to a verdict.

summary ─ warmup       a run's series become its figures; warm-up is left out
bootstrap              how sure a quantile is
compare                setups that took turns in one run
gate                   this run against an earlier one
"""
