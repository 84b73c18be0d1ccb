"""The outputs of a detector: the cells of three grids, the faces in them, and the targets of a student in each cell."""

from dataclasses import dataclass

import cv2
import numpy as np

#: Cell sizes of the grids, in pixels.
STRIDES = (8, 16, 32)

#: Cells with at least this score have a box and points as targets.
TAUGHT = 0.1

#: From this overlap on, non-maximum suppression treats two boxes as the same face.
SUPPRESSED = 0.3


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Column and row (n, 2) and stride (n, 1) of all cells, in the order of the outputs."""
    places, strides = [], []
    for stride in STRIDES:
        rows, columns = height // stride, width // stride
        row, column = np.divmod(np.arange(rows * columns), columns)
        places.append(np.stack([column, row], 1))
        strides.append(np.full((rows * columns, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(strides).astype(np.float32)


def decode(outputs: list[np.ndarray], height: int, width: int) -> np.ndarray:
    """YuNet's twelve outputs as rows (batch, cells, 15) in pixels: x, y, width, height, five points, score."""
    cls, obj, box, points = (np.concatenate(outputs[i : i + 3], 1) for i in (0, 3, 6, 9))
    places, strides = grid(height, width)
    score = np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1))
    size = np.exp(box[..., 2:]) * strides
    corner = (places + box[..., :2]) * strides - size / 2
    points = (np.tile(places, 5) + points) * strides
    return np.concatenate([corner, size, points, score], 2)


def faces(rows: np.ndarray, score: float, overlap: float = SUPPRESSED) -> np.ndarray:
    """The faces among the cells of one image with at least this score, after suppression, in descending order of score."""
    rows = rows[rows[:, -1] >= score]
    if not len(rows):
        return rows
    kept = cv2.dnn.NMSBoxes(rows[:, :4].astype(float), rows[:, -1].astype(float), 0.0, overlap)
    return rows[np.asarray(kept, int).ravel()]


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of each box (x, y, width, height) of `a` with each box of `b`."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum((a[:, :2] + a[:, 2:4])[:, None], (b[:, :2] + b[:, 2:4])[None])
    both = np.clip(high - low, 0, None).prod(2)
    return both / np.maximum(a[:, None, 2:4].prod(2) + b[None, :, 2:4].prod(2) - both, 1e-9)


@dataclass
class Lesson:
    """The targets for a batch."""

    #: The score of each cell: (batch, cells).
    score: np.ndarray
    #: The image and the cell of each cell that has a face as target: (n,) each.
    image: np.ndarray
    cell: np.ndarray
    #: The faces of these cells: (n, 14), box and points in pixels.
    face: np.ndarray


def carried(face: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A face (x, y, width, height, five points, …) after a similarity of its photo, with or without mirroring. The box keeps
    its shape and stays upright, and of a pair of points the left one in the image stays first.

    The matrix is OpenCV's, between the centers of pixels. YuNet's coordinates start at the edges of pixels. The difference of
    half a pixel matters if the photo is mirrored or scaled.
    """
    centre = 0.5
    moved = face.copy()
    moved[2:4] = face[2:4] * np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    moved[:2] = matrix @ [*(face[:2] + face[2:4] / 2 - centre), 1.0] + centre - moved[2:4] / 2
    points = (face[4:14].reshape(5, 2) - centre) @ matrix[:, :2].T + matrix[:, 2] + centre
    if np.linalg.det(matrix[:, :2]) < 0:
        points = points[[1, 0, 2, 4, 3]]
    moved[4:14] = points.ravel()
    return moved


def lesson(rows: np.ndarray, known: list[np.ndarray] | None = None) -> Lesson:
    """The lesson of a teacher's cells (batch, cells, 15).

    The target score of each cell is the teacher's. If it is high enough, the target face is the one that remains there after
    the teacher's suppression, not the face of the cell itself: so the student does not learn the teacher's scatter. If a face
    of the teacher is at the place of a `known` face of the image (n, 14), it gets the points of the known face.
    """
    images, cells, taught = [], [], []
    for number, image in enumerate(rows):
        (found,) = np.nonzero(image[:, -1] >= TAUGHT)
        kept = faces(image[found], TAUGHT)
        if not len(kept):
            continue
        overlap = overlaps(image[found], kept)
        best = overlap.argmax(1)
        close = overlap[np.arange(len(found)), best] >= 0.5
        if known is not None and len(known[number]):
            table = overlaps(kept, known[number])
            better = table.max(1) >= 0.5
            kept[better, 4:14] = known[number][table[better].argmax(1), 4:14]
        images.append(np.full(close.sum(), number))
        cells.append(found[close])
        taught.append(kept[best[close], :14])
    if not images:
        none = np.zeros(0, int)
        return Lesson(rows[..., -1], none, none, np.zeros((0, 14), np.float32))
    return Lesson(rows[..., -1], *(np.concatenate(parts) for parts in (images, cells, taught)))


def mirrored(lesson: Lesson, height: int, width: int) -> Lesson:
    """The lesson for the mirrored images."""
    places, strides = (part.astype(int) for part in grid(height, width))
    columns, start = width // strides[:, 0], np.zeros(len(places), int)
    for stride in STRIDES[1:]:
        start[strides[:, 0] >= stride] += (height // (stride // 2)) * (width // (stride // 2))
    across = start + places[:, 1] * columns + columns - 1 - places[:, 0]
    face = lesson.face.copy()
    face[:, 0] = width - lesson.face[:, 0] - lesson.face[:, 2]
    points = lesson.face[:, 4:14].reshape(-1, 5, 2)[:, [1, 0, 2, 4, 3]]
    face[:, 4:14] = (points * [-1, 1] + [width, 0]).reshape(-1, 10)
    return Lesson(lesson.score[:, across], lesson.image, across[lesson.cell], face)
