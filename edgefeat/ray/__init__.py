"""Features on a Ray cluster: the parts of a plan by actors, or a column of a Ray dataset.

Needs the package `ray`. Actors that die are started again, and what they were doing is done again:
a part is written whole, so that twice does no harm.
"""

from edgefeat.ray.datasets import featurise
from edgefeat.ray.parts import extract_parts

__all__ = ["extract_parts", "featurise"]
