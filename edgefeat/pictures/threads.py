"""How many threads OpenCV may use in this process.

OpenCV has one number for the whole process, so two extractors cannot have two. The rule: edgefeat
sets the number only while it is OpenCV's default (one thread a core) or one that edgefeat has set
before. So of several extractors the newest decides, and a number that the program has set itself
stands.
"""

import cv2

__all__ = ["limit_opencv_threads"]

_set_by_us: int | None = None  # for the whole process, as OpenCV's own number is


def limit_opencv_threads(threads: int) -> None:
    """Hold OpenCV to as many threads as inference, unless the program has set a number itself."""
    global _set_by_us
    if cv2.getNumThreads() in (cv2.getNumberOfCPUs(), _set_by_us):
        cv2.setNumThreads(threads)
        _set_by_us = cv2.getNumThreads()
