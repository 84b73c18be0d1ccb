"""Blends of several faces. They are warped to a common shape. Coarse structure is the average of all, and the fine structure of
each feature is from one person. So the blend is sharp and resembles none of them."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..common.align import TEMPLATE, similarity
from .sources import Sources

#: The distance of the eyes of a blended person in pixels, and the point midway between the eyes on the canvas.
EYES = 56
WIDTH, HEIGHT = 448, 448
MIDDLE = np.array([WIDTH / 2, 160.0])


def canonical(x: float, y: float) -> tuple[float, float]:
    """The pixel of the canvas at x and y, which are in eye distances from the point midway between the eyes."""
    return MIDDLE[0] + x * EYES, MIDDLE[1] + y * EYES


_eyes = TEMPLATE[:2].mean(0)
#: The five landmarks of the mean face on the canvas.
SHAPE = (TEMPLATE - _eyes) * (EYES / np.linalg.norm(TEMPLATE[1] - TEMPLATE[0])) + MIDDLE
GRID = np.stack(np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32)), -1)
#: The coordinates of each pixel, in eye distances from the point midway between the eyes.
UNIT = (GRID - MIDDLE.astype(np.float32)) / EYES


@dataclass(frozen=True)
class Head:
    """A blended head with neck and hair: BGR 0 to 255, opacity 0 to 1, and the color of the skin."""

    colour: np.ndarray
    opacity: np.ndarray
    skin: np.ndarray
    #: True if hair hangs beside the neck.
    long: bool
    sources: tuple[int, ...]


def bump(x: float, y: float, rx: float, ry: float, soft: float = 0.35) -> np.ndarray:
    """1 inside an ellipse, 0 outside, with a soft edge. Center and radii are in eye distances."""
    r = np.hypot((UNIT[..., 0] - x) / rx, (UNIT[..., 1] - y) / ry)
    return smooth((1 + soft - r) / (2 * soft))


def smooth(t: np.ndarray) -> np.ndarray:
    t = np.clip(t, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


FACE = bump(0, 0.6, 0.7, 0.8) > 0.5


def blend(sources: Sources, chosen: np.ndarray, random: np.random.Generator) -> Head:
    points = [sources.faces[i, 4:14].reshape(5, 2) for i in chosen]
    matrices = [similarity(p, SHAPE) for p in points]
    onto = [p @ m[:, :2].T + m[:, 2] for p, m in zip(points, matrices, strict=True)]
    # The proportions: those of the group, exaggerated relative to the mean face, with some random change.
    shape = SHAPE + 1.6 * (np.mean(onto, 0) - SHAPE) + random.normal(0, 0.02 * EYES, (5, 2))
    shape += SHAPE.mean(0) - shape.mean(0)
    images, maps = [], []
    for i, matrix, there in zip(chosen, matrices, onto, strict=True):
        image = cv2.imread(str(sources.photos[i].path))
        images.append(image)
        back = cv2.invertAffineTransform(matrix).astype(np.float32)
        maps.append((GRID + scattered(shape, there - shape)) @ back[:, :2].T + back[:, 2])
    warped = [sample(image, where) for image, where in zip(images, maps, strict=True)]
    for strength in (3.0, 5.0):
        warped, maps = congeal(images, warped, maps, strength)
    mattes = [matte(image) for image in warped]
    warped = toned(warped, mattes)
    share = random.dirichlet(np.full(len(chosen), 30.0)).astype(np.float32)
    colour = features(warped, mattes, share, random)
    present = sum(s * m for s, m in zip(share, mattes, strict=True))
    # Hair is long if most sources have hair beside the chin.
    beside = (np.abs(np.abs(UNIT[..., 0]) - 1.4) < 0.15) & (np.abs(UNIT[..., 1] - 1.3) < 0.2)
    long = bool(present[beside].mean() > 0.6)
    opacity = smooth((present - 0.43) / 0.18) * near_head(long)
    opacity = cv2.GaussianBlur(np.maximum(opacity, bump(0, 0.3, 1.08, 1.7, 0.1)), (0, 0), 1.2)
    colour = balanced(colour)
    return Head(colour, opacity, np.median(colour[FACE], 0), long, tuple(int(i) for i in chosen))


def near_head(long: bool) -> np.ndarray:
    """1 where hair may be, 0 farther out, where collars and shoulders are."""
    x, y = np.abs(UNIT[..., 0]), UNIT[..., 1]
    wide, narrow = (1.9, 1.45) if long else (1.75, 0.92)
    return smooth((wide + (narrow - wide) * smooth((y - 0.9) / 0.7) - x) / 0.16)


def balanced(colour: np.ndarray) -> np.ndarray:
    """The head with less of the color cast of its sources: the chroma of the skin moves most of the way to a common value."""
    lab = cv2.cvtColor(np.clip(colour, 0, 255).astype(np.float32) / 255, cv2.COLOR_BGR2Lab)
    lab[..., 1:] += 0.65 * (np.array([13, 17], np.float32) - np.median(lab[FACE][:, 1:], 0))
    return np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2BGR) * 255, 0, 255)


def sample(image: np.ndarray, where: np.ndarray) -> np.ndarray:
    where = where.astype(np.float32)
    return cv2.remap(image, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)


def scattered(points: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """A smooth field (Gaussian basis functions) with these shifts at these points. It fades out beyond the face."""
    sigma = 0.9 * EYES
    near = np.exp(-((points[:, None] - points[None]) ** 2).sum(-1) / (2 * sigma**2)) + 1e-3 * np.eye(len(points))
    weights = np.linalg.solve(near, shifts)
    field = np.zeros_like(GRID)
    for point, weight in zip(points.astype(np.float32), weights.astype(np.float32), strict=True):
        away = GRID - point
        field += np.exp((away * away).sum(-1) * np.float32(-0.5 / sigma**2))[..., None] * weight
    return field


def flat(image: np.ndarray) -> np.ndarray:
    """Luma without shading: mean 0 and contrast 1 everywhere, as bytes for the optical flow."""
    grey = image @ np.array([0.114, 0.587, 0.299], np.float32)
    grey = grey - cv2.GaussianBlur(grey, (0, 0), 14)
    spread = np.sqrt(cv2.GaussianBlur(grey * grey, (0, 0), 22)) + 6
    return np.clip(128 + 48 * grey / spread, 0, 255).astype(np.uint8)


def congeal(
    images: list[np.ndarray], warped: list[np.ndarray], maps: list[np.ndarray], most: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Moves the features of each face to their mean position, by optical flow of at most `most` pixels."""
    flats = [flat(image) for image in warped]
    mean = np.mean(flats, 0).astype(np.uint8)
    window = bump(0, 0.4, 1.7, 2.3)[..., None]
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    shifts = [cv2.GaussianBlur(flow.calc(mean, f, None), (0, 0), 8) for f in flats]
    middle = np.mean(shifts, 0)
    moved, new = [], []
    for image, where, shift in zip(images, maps, shifts, strict=True):
        shift = shift - middle
        length = np.linalg.norm(shift, axis=-1, keepdims=True) + 1e-6
        shift = shift * np.minimum(1, most / length) * window
        where = cv2.remap(where.astype(np.float32), (GRID + shift).astype(np.float32), None, cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        new.append(where)
        moved.append(sample(image, where))
    return moved, new


def matte(image: np.ndarray) -> np.ndarray:
    """The fraction of each pixel that belongs to the person, by GrabCut, which starts from the usual place of head and
    shoulders."""
    small = cv2.resize(np.clip(image, 0, 255).astype(np.uint8), (WIDTH // 4, HEIGHT // 4), interpolation=cv2.INTER_AREA)
    x, y = UNIT[2::4, 2::4, 0], UNIT[2::4, 2::4, 1]
    mask = np.full(small.shape[:2], cv2.GC_PR_BGD, np.uint8)
    head = np.hypot(x / 1.75, (y - 0.1) / 2.35) < 1
    shoulders = (y > 2.3 + 0.25 * np.abs(x)) & (np.abs(x) < 3.2)
    mask[head | shoulders] = cv2.GC_PR_FGD
    mask[(np.hypot(x / 1.12, (y - 0.2) / 1.85) < 1) | ((np.abs(x) < 0.6) & (y > 1.2))] = cv2.GC_FGD
    mask[(y < -2.45) | ((np.abs(x) > 2.2) & (y < 1.6))] = cv2.GC_BGD
    cv2.setRNGSeed(1)
    cv2.grabCut(small, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    person = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)
    person = cv2.morphologyEx(person, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(person)
    person = (labels == labels[int(MIDDLE[1]) // 4, int(MIDDLE[0]) // 4]).astype(np.float32)
    return cv2.GaussianBlur(cv2.resize(person, (WIDTH, HEIGHT)), (0, 0), 2.0)


def toned(images: list[np.ndarray], mattes: list[np.ndarray]) -> list[np.ndarray]:
    """The images with the same mean color and contrast of the face, and the same mean color of the hair."""
    face = bump(0, 0.45, 1.0, 1.45)
    where = face > 0.5
    means = np.array([image[where].mean(0) for image in images])
    spreads = np.array([image[where].std(0) for image in images])
    mean, spread = np.median(means, 0), np.median(spreads, 0)
    out = []
    for image, own, deviation in zip(images, means, spreads, strict=True):
        gain = np.clip(spread / deviation, 0.6, 1.6)
        inside = (image - own) * gain + mean
        outside = image + (mean - own) * 0.6
        out.append((face[..., None] * inside + (1 - face[..., None]) * outside).astype(np.float32))
    return out


def features(
    images: list[np.ndarray], mattes: list[np.ndarray], share: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Coarse structure is the mean of all. The fine structure of each feature is from another person, and that of the rest of
    the face from one more."""
    donors = random.permutation(len(images))
    regions = [
        np.maximum(bump(-0.5, -0.05, 0.42, 0.34), bump(0.5, -0.05, 0.42, 0.34)),
        bump(0, 0.5, 0.42, 0.42),
        bump(0, 1.17, 0.62, 0.30),
        bump(0, -0.9, 0.95, 0.40),
    ]
    weights = [np.full((HEIGHT, WIDTH), 1.0 if i == donors[4] else 0.0, np.float32) for i in range(len(images))]
    for region, donor in zip(regions, donors, strict=False):
        for i, weight in enumerate(weights):
            weights[i] = weight * (1 - region) + (region if i == donor else 0)
    person = [m**3 + 1e-3 for m in mattes]
    total = sum(s * m for s, m in zip(share, person, strict=True))[..., None]
    coarse = sum(s * m[..., None] * image for s, m, image in zip(share, person, images, strict=True)) / total
    base = cv2.GaussianBlur(coarse, (0, 0), 1.8)
    result = base
    for fine, wide, own in ((0.0, 1.8, 0.85), (1.8, 4.0, 0.20)):
        mean = band(coarse, fine, wide)
        donated = sum(w[..., None] * band(image, fine, wide) for w, image in zip(weights, images, strict=True))
        if fine == 0.0:
            result = result + own * donated + (1 - own) * mean
        else:
            result = result + own * (donated - mean)
    return result


def band(image: np.ndarray, fine: float, wide: float) -> np.ndarray:
    """The structure between two scales (standard deviations in pixels)."""
    upper = cv2.GaussianBlur(image, (0, 0), fine) if fine > 0 else image
    return upper - cv2.GaussianBlur(image, (0, 0), wide)
