"""Numbers that compare: similarity of vectors, agreement of sets, percentiles of a sample."""
