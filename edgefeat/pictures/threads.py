"""How many threads OpenCV may use in this process."""

import cv2

__all__ = ["limit_opencv_threads"]


def limit_opencv_threads(threads: int) -> None:
    """Hold OpenCV to as many threads as inference, unless the program has set a number itself."""
    if cv2.getNumThreads() == cv2.getNumberOfCPUs():
        cv2.setNumThreads(threads)
