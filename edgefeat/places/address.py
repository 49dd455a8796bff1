"""Addresses: what is a URL, and how much of it a person may see."""

from __future__ import annotations

from edgefeat.messages.redact import redact

__all__ = ["is_url", "shown"]


def is_url(text: str) -> bool:
    """Return whether a text names something behind a URL rather than a file."""
    scheme, mark, _ = text.partition("://")
    return bool(mark) and scheme.replace("+", "").isalnum()


def shown(address: str) -> str:
    """Return an address as a person may see it: without passwords."""
    return redact(address) if is_url(address) else address
