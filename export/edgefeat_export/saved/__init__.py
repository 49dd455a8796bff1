"""Saved Keras models, opened as data without running their code."""
