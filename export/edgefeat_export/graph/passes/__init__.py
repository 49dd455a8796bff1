"""Graph passes, one a file: each makes the graph simpler and leaves its outputs as they were.

A pass takes a graph and changes it in place, wherever it can. Its docstring shows a graph before
and after, in a notation that is close to Python:

* `x: (n, 4, 8, 8)` is an input, `w: weight(6, 4, 3, 3)` a constant. `n` is the batch size.
* `y = Conv(x, w, strides=[2, 2])` is a node: operator, inputs, attributes.
* Numbers and lists among the inputs are constants, and so is in "After" every name that no line
  declares.
* Outputs are called `y` and `z`.

A test runs every pass on its own example (`tests/export/graph/passes/test_docstrings.py`).
"""
