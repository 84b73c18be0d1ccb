"""New faces made from photos.

A distilled network learns the teacher's result for any face, so the face need not be that of a person: it may be a blend, a
face with moved features, or a bad photo of these. Images are float32, 0 to 255.
"""

import cv2
import numpy as np

from .faces import MARGIN, SIDE

Random = np.random.Generator

#: The probability of each way of making a face.
KINDS = {"photo": 0.30, "warped": 0.14, "weighted": 0.18, "beyond": 0.08, "mask": 0.16, "bands": 0.08, "three": 0.06}


def make(faces: np.ndarray, random: Random) -> np.ndarray:
    """One face (SIDE × SIDE, uint8) from `faces`, which have margins."""
    kind = random.choice(list(KINDS), p=list(KINDS.values()))
    count = {"photo": 1, "warped": 1, "three": 3}.get(kind, 2)
    strength = random.uniform(0, 1.0) if kind == "photo" else random.uniform(0.5, 3.5)
    chosen = [moved(faces[i], strength, random) for i in random.integers(len(faces), size=count)]
    face = blend(kind, chosen, random) if count > 1 else chosen[0]
    if random.random() < 0.75:
        face = photographed(face, random)
    if random.random() < 0.10:
        occlude(face, faces, random)
    return np.clip(face + 0.5, 0, 255).astype(np.uint8)


def moved(face: np.ndarray, strength: float, random: Random) -> np.ndarray:
    """The face without its margin: randomly mirrored, aligned with a small error, and its features moved by `strength` pixels
    (standard deviation) along a smooth field."""
    if random.random() < 0.5:
        face = face[:, ::-1]
    angle, scale = np.radians(random.normal(0, 2.5)), np.exp(random.normal(0, 0.03))
    ax, ay = scale * np.cos(angle), scale * np.sin(angle)
    middle = (SIDE - 1) / 2
    x, y = np.meshgrid(np.arange(SIDE, dtype=np.float32) - middle, np.arange(SIDE, dtype=np.float32) - middle)
    shift = random.normal(0, 1.2, 2) + middle + MARGIN
    to_x, to_y = ax * x - ay * y + shift[0], ay * x + ax * y + shift[1]
    if strength > 0:
        to_x = to_x + strength * field(random)
        to_y = to_y + strength * field(random)
    warped = cv2.remap(
        np.ascontiguousarray(face), to_x.astype(np.float32), to_y.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return warped.astype(np.float32)


def field(random: Random, finest: int = 6) -> np.ndarray:
    """A smooth random field over the face, with a mean of 0 and a standard deviation of about 1."""
    cells = random.integers(2, finest + 1)
    return cv2.resize(random.standard_normal((cells, cells), np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def toned(face: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The face with the mean and the contrast of `like` in each color channel."""
    (mean, std), (want, spread) = cv2.meanStdDev(face), cv2.meanStdDev(like)
    gain = np.clip(spread / np.maximum(std, 1), 0.4, 2.5)
    return (face - mean.ravel().astype(np.float32)) * gain.ravel().astype(np.float32) + want.ravel().astype(np.float32)


def blend(kind: str, faces: list[np.ndarray], random: Random) -> np.ndarray:
    """A blend of these faces."""
    first, *others = faces
    others = [toned(face, first) for face in others]
    second = others[0]
    if kind == "weighted":
        share = np.float32(random.uniform(0.25, 0.75))
        return first + share * (second - first)
    if kind == "beyond":
        return first + np.float32(random.uniform(0.15, 0.5)) * (first - second)
    if kind == "mask":
        return first + soft_mask(random)[:, :, None] * (second - first)
    if kind == "bands":
        sigma = random.uniform(1.5, 7)
        coarse = cv2.GaussianBlur(first, (0, 0), sigma)
        return coarse + second - cv2.GaussianBlur(second, (0, 0), sigma)
    if kind == "three":
        third = others[1]
        share = random.dirichlet([1.5, 1.5, 1.5]).astype(np.float32)
        return share[0] * first + share[1] * second + share[2] * third
    raise ValueError(f"{kind!r} is no kind of blend")


def soft_mask(random: Random) -> np.ndarray:
    """A mask from 0 to 1: blotches, or horizontal bands that affect eyes, nose or mouth."""
    if random.random() < 0.5:
        noise = field(random)
    else:
        cells = random.integers(2, 6)
        noise = cv2.resize(random.standard_normal((cells, 1), np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    noise = (noise - np.median(noise)) * np.float32(random.uniform(2, 8))
    return 1 / (1 + np.exp(-noise))


def photographed(face: np.ndarray, random: Random) -> np.ndarray:
    """The face as recorded by a worse camera in other light."""
    if random.random() < 0.4:
        mean = face.mean()
        face = (face - mean) * np.float32(random.uniform(0.6, 1.35)) + mean + np.float32(random.normal(0, 20))
    if random.random() < 0.25:
        face = 255 * np.power(np.clip(face, 0, 255) / 255, np.float32(np.exp(random.normal(0, 0.3))))
    if random.random() < 0.25:
        face = face * random.uniform(0.85, 1.15, 3).astype(np.float32)
    if random.random() < 0.25:
        grey = face @ np.array([0.299, 0.587, 0.114], np.float32)
        colour = 0 if random.random() < 0.4 else random.uniform(0.3, 1.5)
        face = grey[:, :, None] + np.float32(colour) * (face - grey[:, :, None])
    if random.random() < 0.3:
        face = face * np.exp(np.float32(random.uniform(0.1, 0.5)) * field(random, 3))[:, :, None]
    if random.random() < 0.3:
        if random.random() < 0.5:
            face = cv2.GaussianBlur(face, (0, 0), random.uniform(0.4, 1.8))
        else:
            small = int(SIDE * random.uniform(0.3, 0.8))
            face = cv2.resize(face, (small, small), interpolation=cv2.INTER_AREA)
            face = cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    if random.random() < 0.15:
        face = face + np.float32(random.uniform(2, 10)) * random.standard_normal(face.shape, np.float32)
    if random.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 90))]
        _, file = cv2.imencode(".jpg", np.clip(face, 0, 255).astype(np.uint8), quality)
        face = cv2.imdecode(file, cv2.IMREAD_COLOR).astype(np.float32)
    return face


def occlude(face: np.ndarray, faces: np.ndarray, random: Random) -> None:
    """Covers a part of the face with dark glasses, a mask, a rectangle or an ellipse, in one color or with parts of another
    photo."""
    covered = np.zeros((SIDE, SIDE), np.float32)
    shape = random.integers(4)
    if shape == 0:
        cv2.ellipse(covered, (38, 52), (int(random.integers(9, 16)), int(random.integers(7, 12))), 0, 0, 360, 1, -1)
        cv2.ellipse(covered, (74, 52), (int(random.integers(9, 16)), int(random.integers(7, 12))), 0, 0, 360, 1, -1)
    elif shape == 1:
        covered[int(random.integers(64, 80)) :] = 1
    else:
        width, height = random.integers(12, 56, 2)
        x, y = random.integers(0, SIDE, 2)
        if shape == 2:
            covered[max(0, y - height // 2) : y + height // 2, max(0, x - width // 2) : x + width // 2] = 1
        else:
            cv2.ellipse(covered, (int(x), int(y)), (int(width) // 2, int(height) // 2), 0, 0, 360, 1, -1)
    if random.random() < 0.6:
        over = random.uniform(0, 60 if shape == 0 else 255, 3).astype(np.float32)
    else:
        over = moved(faces[random.integers(len(faces))], 0, random)[::-1]
    cover = covered[:, :, None] * np.float32(random.uniform(0.75, 1))
    face += cover * (over - face)
