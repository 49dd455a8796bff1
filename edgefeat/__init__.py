"""Pre-trained networks as feature extractors on small devices.

    import edgefeat

    vector = edgefeat.extract("cat.jpg")  # float32 (1280,)

Names are resolved on first use, so that `import edgefeat` costs milliseconds: neither NumPy,
OpenCV nor ONNX Runtime is loaded before it is needed.
"""

import os

TYPE_CHECKING = False  # for type checkers; importing typing costs more than all the rest here
if TYPE_CHECKING:
    from edgefeat.corpus.run import extract_folder
    from edgefeat.errors import (
        EdgefeatError,
        ImageError,
        ModelError,
        ProviderError,
        RowError,
        SinkError,
        SourceError,
    )
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.measures.similarity import cosine_similarity, euclidean_distance
    from edgefeat.predictor import Predictor
    from edgefeat.sets.featureset import FeatureSet
    from edgefeat.shared import extract
    from edgefeat.streaming.several.many import stream_many
    from edgefeat.streaming.stream import stream
    from edgefeat.teaching.teach import teach

# ONNX Runtime 1.31 keeps a device identifier and a database of events for its makers in the home
# folder. Pictures are private: it does so here only for those who set this to 0 themselves.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
__all__ = [
    "EdgefeatError",
    "FeatureExtractor",
    "FeatureSet",
    "ImageError",
    "ModelError",
    "Predictor",
    "ProviderError",
    "RowError",
    "SinkError",
    "SourceError",
    "__version__",
    "cosine_similarity",
    "euclidean_distance",
    "extract",
    "extract_folder",
    "stream",
    "stream_many",
    "teach",
]

_HOMES = {
    "EdgefeatError": "edgefeat.errors",
    "FeatureExtractor": "edgefeat.extractor",
    "FeatureSet": "edgefeat.sets.featureset",
    "ImageError": "edgefeat.errors",
    "ModelError": "edgefeat.errors",
    "Predictor": "edgefeat.predictor",
    "ProviderError": "edgefeat.errors",
    "RowError": "edgefeat.errors",
    "SinkError": "edgefeat.errors",
    "SourceError": "edgefeat.errors",
    "cosine_similarity": "edgefeat.measures.similarity",
    "euclidean_distance": "edgefeat.measures.similarity",
    "extract": "edgefeat.shared",
    "extract_folder": "edgefeat.corpus.run",
    "stream": "edgefeat.streaming.stream",
    "stream_many": "edgefeat.streaming.several.many",
    "teach": "edgefeat.teaching.teach",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'edgefeat' has no attribute {name!r}")
    from edgefeat.loading import load

    try:
        value: object = getattr(load(_HOMES[name]), name)
    except (ImportError, AttributeError) as error:
        from edgefeat.installed.dependencies import explain

        if (explained := explain(error)) is None:
            raise
        raise explained from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
