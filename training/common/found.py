"""The faces in LFW's photos, which are detected once and stored in the work folder."""

from pathlib import Path

import cv2
import numpy as np

from . import people
from .teacher import YuNet, central_face


def faces(work: Path, threads: int = 1) -> np.ndarray:
    """One row for each of `people.photos()`, in that order: x, y, width, height, five points and score of the face nearest to
    the middle, with a score of at least 0.5. NaN if there is no such face."""
    path = work / "found.npy"
    if path.is_file():
        rows = np.load(path)
        if len(rows) == len(people.photos()):
            return rows
    detector = YuNet(threads=threads)
    rows = np.full((len(people.photos()), 15), np.nan)
    for row, photo in zip(rows, people.photos(), strict=True):
        image = cv2.imread(str(photo.path))
        if image is None:
            raise SystemExit(f"{photo.path} cannot be read")
        face = central_face(detector.detect(image), image.shape[1], image.shape[0])
        if face is not None:
            row[:] = face
    work.mkdir(parents=True, exist_ok=True)
    partial = work / "found.partial.npy"
    np.save(partial, rows)
    partial.rename(path)
    return rows
