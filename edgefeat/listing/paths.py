"""Paths as a listing names them: plain, and the part of a pattern before its first sign."""

from __future__ import annotations

import glob

__all__ = ["plain_path", "plain_start"]


def plain_path(path: str) -> str:
    """Return a path without `./` and doubled slashes, which say nothing."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    plain = "/".join(parts)
    return f"/{plain}" if path.startswith("/") else plain or "."


def plain_start(pattern: str) -> str:
    """Return the folder before the first part of a pattern that has magic."""
    parts = pattern.split("/")
    plain = []
    for part in parts[:-1]:
        if glob.has_magic(part):
            break
        plain.append(part)
    return "/".join(plain) or ("/" if pattern.startswith("/") else "")
