"""The aligned faces of Labeled Faces in the Wild, which are stored in the work folder."""

from pathlib import Path

import cv2
import numpy as np

from ..common import people
from ..common.align import align
from ..common.teacher import YuNet, central_face

SIDE = 112
#: Pixels around a face, so that it can be moved and warped without showing a border.
MARGIN = 16


def aligned(work: Path, threads: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """RGB faces with margins of all `people.photos()`, in that order, and a mask of those that were found."""
    path = work / "faces.npz"
    if path.is_file():
        with np.load(path) as kept:
            return kept["faces"], kept["found"]
    detector = YuNet(threads=threads)
    photos = people.photos()
    whole = SIDE + 2 * MARGIN
    faces = np.zeros((len(photos), whole, whole, 3), np.uint8)
    found = np.zeros(len(photos), bool)
    for i, photo in enumerate(photos):
        image = cv2.imread(str(photo.path))
        if image is None:
            raise SystemExit(f"{photo.path} cannot be read")
        face = central_face(detector.detect(image), image.shape[1], image.shape[0])
        if face is not None:
            faces[i] = align(image, face[4:14], margin=MARGIN)[:, :, ::-1]
            found[i] = True
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name("faces.partial.npz")
    np.savez(partial, faces=faces, found=found)
    partial.rename(path)
    return faces, found


def without_margin(faces: np.ndarray) -> np.ndarray:
    return faces[..., MARGIN:-MARGIN, MARGIN:-MARGIN, :]
