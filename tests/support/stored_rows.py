"""Rows that a form of numbers holds."""

from __future__ import annotations

import numpy as np

from edgefeat.sets.encoding import Store


def fitting(rows: np.ndarray, store: Store) -> np.ndarray:
    """Return rows as a form holds them: those that uint8 is to hold without their signs."""
    return np.abs(rows) if store is Store.U8 else rows
