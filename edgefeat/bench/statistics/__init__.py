"""The arithmetic of a benchmark: percentiles, confidence intervals, warm-up."""
