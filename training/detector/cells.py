"""What a detector's outputs mean: cells of three grids, faces, and what a student is taught in each cell."""

from dataclasses import dataclass

import cv2
import numpy as np

#: Cell sizes of the grids, in pixels.
STRIDES = (8, 16, 32)

#: Cells from this score on are taught a box and points.
TAUGHT = 0.1

#: Overlap from which on two boxes are taken as the same face in suppression.
SUPPRESSED = 0.3


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Column and row (n, 2), and stride (n, 1), of all cells in the order of the outputs."""
    places, strides = [], []
    for stride in STRIDES:
        rows, columns = height // stride, width // stride
        row, column = np.divmod(np.arange(rows * columns), columns)
        places.append(np.stack([column, row], 1))
        strides.append(np.full((rows * columns, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(strides).astype(np.float32)


def decode(outputs: list[np.ndarray], height: int, width: int) -> np.ndarray:
    """YuNet's twelve outputs as rows (batch, cells, 15): x, y, width, height, five points, score, in pixels."""
    cls, obj, box, points = (np.concatenate(outputs[i : i + 3], 1) for i in (0, 3, 6, 9))
    places, strides = grid(height, width)
    score = np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1))
    size = np.exp(box[..., 2:]) * strides
    corner = (places + box[..., :2]) * strides - size / 2
    points = (np.tile(places, 5) + points) * strides
    return np.concatenate([corner, size, points, score], 2)


def faces(rows: np.ndarray, score: float, overlap: float = SUPPRESSED) -> np.ndarray:
    """The faces among the cells of one image: from `score` on, suppressed, best first."""
    rows = rows[rows[:, -1] >= score]
    if not len(rows):
        return rows
    kept = cv2.dnn.NMSBoxes(rows[:, :4].astype(float), rows[:, -1].astype(float), 0.0, overlap)
    return rows[np.asarray(kept, int).ravel()]


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of all boxes x, y, width, height of `a` with all of `b`."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum((a[:, :2] + a[:, 2:4])[:, None], (b[:, :2] + b[:, 2:4])[None])
    both = np.clip(high - low, 0, None).prod(2)
    return both / np.maximum(a[:, None, 2:4].prod(2) + b[None, :, 2:4].prod(2) - both, 1e-9)


@dataclass
class Lesson:
    """What a batch is taught."""

    #: Score of each cell: (batch, cells).
    score: np.ndarray
    #: Image and cell of those that are taught a face: (n,) each.
    image: np.ndarray
    cell: np.ndarray
    #: Their faces: (n, 14), box and points in pixels.
    face: np.ndarray


def carried(face: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A face (x, y, width, height, five points, …) where its photo goes through a similarity, mirrored or not. Its
    box keeps its shape and stays upright; image-left stays first.

    The matrix is OpenCV's, between centres of pixels. YuNet counts from their edges: seen mirrored or halved, its
    points are off by what that makes.
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

    Each cell is taught the teacher's score there, and where that counts, the face that the teacher's suppression
    keeps in its place rather than the cell's own, which spares the student the teacher's scatter. Faces that are
    `known` in an image (n, 14) lend their points to those that the teacher finds at their place.
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
    """The lesson of the same images mirrored."""
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
