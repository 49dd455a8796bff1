"""Gates of an attached file: what they find, and what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from edgefeat_export.attaching import gates
from edgefeat_export.errors import VerificationError
from head_pipelines import columns, imputed, tail_answers

Parts = tuple[Any, Any]


def test_a_missed_gate_names_the_step_and_the_row(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    pipeline = make_pipeline(columns(imputed()), LogisticRegression()).fit(fit, fit["kind"])
    taken, got, features = tail_answers(pipeline, rows)
    name = taken.tail.checkpoints["numbers"].name
    got[name] = got[name].copy()
    got[name][4, 1] += 1e-3
    with pytest.raises(VerificationError, match=r"step 'numbers': row 4, number 1: scikit-learn"):
        gates.check_steps(taken, got, rows, features)
    wanted = {"label": np.array([0, 1, 2]), "probabilities": np.eye(3)}
    wrong = {"label": np.array([0, 2, 2]), "probabilities": np.eye(3)}
    with pytest.raises(VerificationError, match="label of 1 of 3 rows differ, first row 1"):
        gates.check_answers(wrong, wanted, where="the file")
    near = {"label": np.array([0, 1, 2]), "probabilities": np.eye(3) + 2e-5}
    with pytest.raises(VerificationError, match="probabilities of 3 of 3 rows differ"):
        gates.check_answers(near, wanted, where="the file")
