"""What only the exporter's tests need: warnings of Keras itself, which are not ours to fix."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent

# Keras 3.15 hands TensorFlow's variables to NumPy 2 in a way that NumPy deprecates.
KERAS_WARNINGS = [
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ":keras.src.backend.tensorflow.core",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            for warning in KERAS_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))
