"""Puts finished files in place: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from edgefeat import FeatureExtractor, atomic
from edgefeat.errors import ModelError
from edgefeat.model.file import read_model_file
from edgefeat_export.errors import ExportError, VerificationError
from edgefeat_export.pipeline.drafts import Draft
from edgefeat_export.pipeline.results import FinishedFile
from edgefeat_export.proof import stamp

__all__ = ["output_folder", "publish", "replaced"]


@contextmanager
def output_folder(folder: Path) -> Iterator[None]:
    """Make the output folder before any work goes into files for it.

    If the work then fails, the folders that were made are removed again, as far as they are empty.

    Raises:
        ExportError: The folder cannot be made.
    """
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"it cannot be made a folder: {error.strerror}",
            where=folder,
            remedy="Choose another one.",
        ) from error
    try:
        yield
    except BaseException:
        _remove_empty(missing)
        raise


def replaced(drafts: Sequence[Draft]) -> list[Path]:
    """Return the files with other outputs that will be replaced: another cut or reduction."""
    found = []
    for path, spec in ((draft.path, draft.spec) for draft in drafts if draft.path.exists()):
        try:
            old = read_model_file(path).spec
        except ModelError:  # no file of ours, or damaged
            continue
        if old.outputs != spec.outputs:
            found.append(path)
    return found


def publish(drafts: Sequence[Draft]) -> tuple[FinishedFile, ...]:
    """Stamp every file under a temporary name, run its self-test, then rename all.

    Raises:
        ExportError: A file cannot be written or fails its self-test; nothing was replaced.
    """
    with ExitStack() as stack:
        ready = []
        for draft in drafts:
            spool = stack.enter_context(stamp.beside(draft.model, draft.spec, draft.path))
            _self_test(spool.part, draft)
            ready.append(spool)
        for draft, spool in zip(drafts, ready, strict=True):
            with atomic.explained(draft.path, error=ExportError):
                spool.publish()
    return tuple(
        FinishedFile(
            path=draft.path,
            spec=draft.spec,
            size_bytes=draft.path.stat().st_size,
            parities=draft.parities,
        )
        for draft in drafts
    )


def _self_test(path: Path, draft: Draft) -> None:
    if draft.spec.probe is None:
        return
    with FeatureExtractor(path, outputs=draft.spec.primary.name) as extractor:
        result = extractor.self_test()
    if not result:
        reason = {
            "output": draft.spec.primary.name,
            "gate": "probe_relative_l2",
            "needed": result.relative_l2_max,
            "got": result.relative_l2,
        }
        raise VerificationError(
            f"its own self-test fails here: relative L2 {result.relative_l2:.2e}, allowed"
            f" {result.relative_l2_max:.2e}",
            where=draft.path.name,
            remedy="Report this: it is a fault of the exporter.",
            reasons=[reason],
        )


def _remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, inner ones first, until one is not empty."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:  # it holds something, or the user removed it meanwhile
            return
