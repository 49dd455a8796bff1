"""Rows of a table become a graph's inputs: types checked, what is missing and unseen by rule."""
