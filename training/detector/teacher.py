"""The teacher: YuNet-n, or any network with its outputs."""

from pathlib import Path

import cv2
import numpy as np

from ..common import paths
from ..common.teacher import central_face, session
from . import cells
from .scenes import MIRROR, placed, warp

TEACHER = "yunet_n_dynamic.onnx"

#: Scale and shift of the views of a photo in which its face is detected. Each view is also mirrored. A shift by a part of a
#: cell moves YuNet's points by some hundredths of the eye distance; the median over the views is more stable.
VIEWS = ((1.0, 0, 0), (1.0, 13, 21), (1.25, 3, 10), (1.25, 26, 4))


class Detector:
    """A network with YuNet's outputs, on images at their own size, padded with black on the right and at the bottom."""

    def __init__(self, path: Path | None = None, threads: int = 1):
        self.session = session(path or paths.weights(TEACHER), threads)

    def rows(self, images: np.ndarray) -> np.ndarray:
        """All cells (batch, cells, 15) of images (batch, height, width, 3), see `cells.decode`."""
        batch, height, width, _ = images.shape
        x = np.zeros((batch, 3, height + -height % 32, width + -width % 32), np.float32)
        x[:, :, :height, :width] = images.transpose(0, 3, 1, 2)
        return cells.decode(self.session.run(None, {"input": x}), *x.shape[2:])

    def detect(self, image: np.ndarray, score: float) -> np.ndarray:
        """One row for each face, in descending order of score: x, y, width, height, five points (x, y), score."""
        return cells.faces(self.rows(image[None])[0], score)

    def surest(self, photo: np.ndarray) -> np.ndarray | None:
        """The face nearest to the middle: the median over the views in which it is found. None if it is missing in the photo
        itself or in half of the views."""
        height, width = photo.shape[:2]
        face = central_face(self.detect(photo, 0.5), width, height)
        if face is None:
            return None
        found = [face]
        for scale, x, y in VIEWS:
            for mirror in (np.eye(3), MIRROR):
                matrix = np.vstack([placed(scale, 0, (0, 0), (x, y)), [0, 0, 1]]) @ mirror
                side = int(scale * max(height, width)) + 32
                view = warp(photo, matrix[:2], side, side, cv2.BORDER_CONSTANT, [0, 0, 0])
                expected = cells.carried(face, matrix[:2])[None]
                others = self.detect(view, 0.5)
                table = cells.overlaps(expected, others)[0]
                if len(others) and table.max() >= 0.5:
                    found.append(cells.carried(others[table.argmax()], np.linalg.inv(matrix)[:2]))
        return np.median(found, 0) if len(found) > len(VIEWS) else None
