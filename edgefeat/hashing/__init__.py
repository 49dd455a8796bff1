"""Hashes of a column's values, exact on every CPU: for networks that have no vocabulary."""
