"""Procedural frames without faces, in which a detector must find nothing."""

from collections.abc import Callable

import cv2
import numpy as np

Random = np.random.Generator


def colour(rng: Random) -> np.ndarray:
    if rng.random() < 0.3:
        return np.full(3, rng.uniform(0, 255), np.float32)
    return rng.uniform(0, 255, 3).astype(np.float32)


def flat(rng: Random, height: int, width: int) -> np.ndarray:
    return np.broadcast_to(colour(rng), (height, width, 3)).copy()


def gradient(rng: Random, height: int, width: int) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    along = np.cos(angle) * x / width + np.sin(angle) * y / height
    along = (along - along.min()) / max(float(np.ptp(along)), 1e-6)
    return colour(rng) * (1 - along[..., None]) + colour(rng) * along[..., None]


def clouds(rng: Random, height: int, width: int) -> np.ndarray:
    """Noise on several scales, from blobs to grain."""
    channels = 1 if rng.random() < 0.4 else 3
    total = np.zeros((height, width, channels), np.float32)
    roughness = rng.uniform(0.4, 1.1)
    for octave in range(int(rng.integers(2, 8))):
        cells = 2 ** (octave + 1)
        noise = rng.standard_normal((min(cells, height), min(cells, width), channels), np.float32)
        noise = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        total += roughness**octave * noise.reshape(height, width, channels)
    return colour(rng) + rng.uniform(10, 70) * total


def stripes(rng: Random, height: int, width: int) -> np.ndarray:
    """Stripes, or checks and tiles if there are two directions, with sharp edges or as waves."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    wave = np.ones((height, width), np.float32)
    angle = rng.uniform(0, np.pi)
    for turn in range(int(rng.integers(1, 3))):
        direction = angle + turn * np.pi / 2
        period = np.exp(rng.uniform(np.log(4), np.log(120)))
        wave *= np.sin((np.cos(direction) * x + np.sin(direction) * y) * (2 * np.pi / period) + rng.uniform(0, 6))
    if rng.random() < 0.5:
        wave = np.sign(wave)
    wave = wave[..., None] / 2 + 0.5
    return colour(rng) * wave + colour(rng) * (1 - wave)


def shapes(rng: Random, height: int, width: int) -> np.ndarray:
    """Discs, ellipses, boxes, lines and polygons, some with dots like eyes and a mouth."""
    image = np.ascontiguousarray(flat(rng, height, width) if rng.random() < 0.5 else gradient(rng, height, width))
    side = min(height, width)
    for _ in range(int(rng.integers(3, 40))):
        centre = rng.uniform([0, 0], [width, height])
        size = np.exp(rng.uniform(np.log(3), np.log(side / 2)))
        paint = colour(rng).tolist()
        filled = -1 if rng.random() < 0.7 else int(rng.integers(1, 5))
        at = tuple(int(v) for v in centre)
        match int(rng.integers(5)):
            case 0:
                cv2.circle(image, at, int(size / 2), paint, filled, cv2.LINE_AA)
            case 1:
                axes = (int(size / 2), int(size * rng.uniform(0.25, 0.75)))
                cv2.ellipse(image, at, axes, rng.uniform(0, 180), 0, 360, paint, filled, cv2.LINE_AA)
                if rng.random() < 0.5:
                    dots = colour(rng).tolist()
                    for place in ((-0.2, -0.15), (0.2, -0.15), (0.0, 0.25))[: int(rng.integers(1, 4))]:
                        dot = tuple(int(v) for v in centre + size * np.array(place))
                        cv2.circle(image, dot, max(1, int(size / 12)), dots, -1, cv2.LINE_AA)
            case 2:
                corner = tuple(int(v) for v in centre + size * rng.uniform(0.2, 1, 2))
                cv2.rectangle(image, at, corner, paint, filled)
            case 3:
                end = tuple(int(v) for v in rng.uniform([0, 0], [width, height]))
                cv2.line(image, at, end, paint, int(rng.integers(1, 9)), cv2.LINE_AA)
            case _:
                corners = (centre + size / 2 * rng.standard_normal((int(rng.integers(3, 8)), 2))).astype(np.int32)
                cv2.fillPoly(image, [corners], paint, cv2.LINE_AA)
    return image


def writing(rng: Random, height: int, width: int) -> np.ndarray:
    image = flat(rng, height, width).astype(np.uint8)
    paint, scale = colour(rng).tolist(), rng.uniform(0.3, 2)
    font, y = int(rng.integers(8)), 0
    while y < height:
        y += int(30 * scale)
        text = "".join(chr(c) for c in rng.integers(33, 127, 40))
        cv2.putText(image, text, (int(rng.integers(-20, 20)), y), font, scale, paint, int(1 + scale), cv2.LINE_AA)
    return image.astype(np.float32)


KINDS: tuple[Callable[[Random, int, int], np.ndarray], ...] = (flat, gradient, clouds, stripes, shapes, writing)
#: The probability of each kind.
SHARES = (0.1, 0.1, 0.3, 0.15, 0.25, 0.1)


def texture(rng: Random, height: int, width: int) -> np.ndarray:
    """A frame (height, width, 3) of uint8 with one kind, or with two, of which one is visible through parts of the other."""
    first, second = rng.choice(len(KINDS), 2, p=SHARES)
    image = KINDS[first](rng, height, width)
    if rng.random() < 0.3:
        mask = cv2.resize(rng.random((5, 5), np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        mask = np.clip((mask - 0.5) * rng.uniform(1, 20) + 0.5, 0, 1)[..., None]
        image = image * mask + KINDS[second](rng, height, width) * (1 - mask)
    return np.clip(image, 0, 255).astype(np.uint8)
