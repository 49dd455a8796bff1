"""What the transformers share: scikit-learn itself, and a model that a pickle finds again."""

from __future__ import annotations

from typing import Any

from edgefeat.errors import DependencyError, ModelError
from edgefeat.extractor import FeatureExtractor
from edgefeat.options.extractor import EngineOptions, ModelOptions

try:
    from joblib import effective_n_jobs
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError as missing:
    raise DependencyError(
        "edgefeat.sklearn needs scikit-learn 1.6 or newer",
        remedy="Install it with `pip install 'edgefeat[sklearn]'`.",
    ) from missing

__all__ = ["ModelTransformer", "check_is_fitted", "effective_n_jobs"]


class ModelTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer that learns nothing: it opens a model and notes its fingerprint.

    A pickle holds the model's path and fingerprint, never the model.
    """

    fingerprint_: str
    _extractor: FeatureExtractor

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {key: value for key, value in state.items() if key != "_extractor"}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "fingerprint_")

    def _open(self) -> FeatureExtractor:
        given = self.get_params(deep=False)
        return FeatureExtractor.from_options(
            ModelOptions.of(
                **{name: given[name] for name, _ in ModelOptions.each() if name in given}
            ),
            EngineOptions.of(providers=given["providers"], strict=given["strict"]),
        )

    def _reopened(self) -> FeatureExtractor:
        """Return the open extractor; after unpickling, open the model again and check it."""
        if not hasattr(self, "_extractor"):
            extractor = self._open()
            if extractor.fingerprint != self.fingerprint_:
                raise ModelError(
                    f"fingerprint: this {type(self).__name__} was fitted with "
                    f"{self.fingerprint_[:12]}, the file gives {extractor.fingerprint[:12]}",
                    where=extractor.path,
                    remedy="What was trained on its features needs the same model file: put it "
                    "there, or fit again.",
                )
            self._extractor = extractor
        return self._extractor
