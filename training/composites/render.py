"""Renders blended people in front of a camera: pose, clothes, light, backdrop, lens and sensor."""

from dataclasses import dataclass

import cv2
import numpy as np

from .blend import EYES, GRID, HEIGHT, MIDDLE, UNIT, WIDTH, Head, bump, smooth

#: Rows of the canvas below the head, for bodies that reach the lower edge of a frame.
BELOW = 480
TALL = HEIGHT + BELOW


@dataclass(frozen=True)
class Person:
    head: Head
    #: BGR.
    shirt: tuple[float, float, float]
    #: "crew", "v" or "collar".
    neckline: str
    seed: int


@dataclass(frozen=True)
class Place:
    """The point midway between the eyes and the distance of the eyes, in pixels, and the pose of the head in degrees."""

    x: float
    y: float
    eyes: float
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0


@dataclass(frozen=True)
class Light:
    #: Direction from −1 (left) to 1 (right), strength, exposure as a factor, and gains of blue, green and red.
    side: float = 0.0
    strength: float = 0.2
    exposure: float = 1.0
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)


def noise(random: np.random.Generator, height: int, width: int, cells: int) -> np.ndarray:
    """A smooth random field with a standard deviation of about 1."""
    rows = max(2, round(cells * height / width))
    field = random.standard_normal((rows, cells), np.float32)
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)


def body(person: Person) -> tuple[np.ndarray, np.ndarray]:
    """The clothes on the tall canvas: BGR and opacity."""
    random = np.random.default_rng(person.seed)
    y, x = np.mgrid[0:TALL, 0:WIDTH].astype(np.float32)
    x, y = (x - np.float32(MIDDLE[0])) / EYES, (y - np.float32(MIDDLE[1])) / EYES
    ax = np.abs(x)
    across = 2.95 + 0.10 * random.standard_normal()
    neck = 1.06
    slope = 2.16 + 0.30 * np.clip(ax - neck, 0, None) + 0.9 * np.clip(ax - across + 0.75, 0, None) ** 2
    dip = {"crew": 0.42, "v": 1.0, "collar": 0.62}[person.neckline]
    inner = np.clip(ax / neck, 0, 1)
    low = 2.16 + dip * (1 - inner**2 if person.neckline == "crew" else 1 - inner)
    edge = np.where(ax < neck, low, slope)
    opacity = smooth((y - edge) / 0.05 + 0.5) * smooth((across + 0.10 * np.clip(y - 4, 0, 3) - ax) / 0.06 + 0.5)
    folds = 0.035 * noise(random, TALL, WIDTH, 7) + 0.02 * noise(random, TALL, WIDTH, 19)
    weave = 0.016 * random.standard_normal((TALL, WIDTH), np.float32)
    shade = 1 + folds + weave - 0.30 * smooth((ax - 1.6) / 1.8) - 0.22 * np.exp(-(((y - edge) / 0.30) ** 2)) * (ax < 1.1)
    # Arms hang beside the chest.
    arm = 2.25 + 0.05 * (y - 3.6)
    shade -= 0.34 * np.exp(-(((ax - arm) / 0.07) ** 2)) * smooth((y - 3.4) / 0.8)
    shade += 0.10 * np.exp(-(((ax - arm - 0.35) / 0.25) ** 2)) * smooth((y - 3.0) / 0.8)
    colour = np.asarray(person.shirt, np.float32) * shade[..., None]
    rim = np.exp(-(((y - edge - 0.10) / 0.05) ** 2)) * (ax < neck + 0.1)
    if person.neckline == "crew":
        colour *= 1 - 0.14 * rim[..., None]
    if person.neckline == "collar":
        flap = smooth((0.42 - np.abs(y - edge - 0.12)) / 0.05) * smooth((1.25 - ax) / 0.06)
        colour = colour * (1 + 0.10 * flap[..., None])
        line = np.exp(-(((y - edge - 0.50) / 0.035) ** 2)) * (ax < 1.25) + np.exp(-((x / 0.03) ** 2)) * (y > edge + 0.1)
        colour *= 1 - 0.22 * np.clip(line, 0, 1)[..., None]
    return np.clip(colour, 0, 255), opacity


def figure(person: Person, place: Place, light: Light) -> np.ndarray:
    """Head and body on the tall canvas, turned and lit: BGR times opacity, and opacity."""
    head = person.head
    x, y = np.abs(UNIT[..., 0]), UNIT[..., 1]
    # Below the chin there is a neck of skin, because the sources wear different clothes.
    below = smooth((y - 1.8) / 0.35)
    throat = below * smooth((0.84 + 0.24 * smooth((y - 1.85) / 0.6) - x) / 0.14)
    covered = 0.9 * below * smooth((1.0 - x) / 0.2 if head.long else (2.0 - x) / 0.2)
    if not head.long:
        covered = np.maximum(covered, smooth((x - 0.72) / 0.2) * smooth((y - 1.25) / 0.4) * smooth((1.3 - x) / 0.1))
    under = 0.78 + 0.14 * smooth((y - 2.0) / 0.8) - 0.20 * np.minimum(x, 1.1) ** 2
    colour = head.colour * (1 - covered[..., None]) + covered[..., None] * head.skin * under[..., None]
    opacity = np.maximum(head.opacity * smooth((2.9 - y) / 0.5), throat)
    depth = 1.15 * np.sqrt(np.clip(1 - (UNIT[..., 0] / 1.6) ** 2 - ((UNIT[..., 1] - 0.45) / 2.2) ** 2, 0, 1))
    depth = cv2.GaussianBlur(depth.astype(np.float32), (0, 0), 6) + 0.30 * bump(0, 0.5, 0.28, 0.42, 0.6)
    shaded = colour * lit(depth, light)[..., None]
    layer = np.dstack([shaded * opacity[..., None], opacity]).astype(np.float32)
    layer = turned(layer, depth, place)
    clothes, there = body(person)
    tall = np.zeros((TALL, WIDTH, 4), np.float32)
    tall[:HEIGHT] = layer
    clothes = clothes * (1 + light.strength * light.side * np.linspace(-0.5, 0.5, WIDTH, dtype=np.float32))[:, None]
    tall[..., :3] = tall[..., :3] * (1 - there[..., None]) + clothes * there[..., None]
    tall[..., 3] = tall[..., 3] * (1 - there) + there
    return tall


def lit(depth: np.ndarray, light: Light) -> np.ndarray:
    """The shading of a surface with this depth by light from one side."""
    wide = cv2.GaussianBlur(depth, (0, 0), 5) * EYES
    gx, gy = cv2.Sobel(wide, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(wide, cv2.CV_32F, 0, 1, scale=1 / 8)
    length = np.sqrt(gx**2 + gy**2 + 1)
    return np.clip(1 + light.strength * (-light.side * gx - 0.5 * gy) / length, 0.4, 1.6)


def turned(layer: np.ndarray, depth: np.ndarray, place: Place) -> np.ndarray:
    """The head rotated around the neck. Seen from the front, nearer points move farther."""
    yaw, pitch, roll = np.radians([place.yaw, place.pitch, place.roll])
    hold = smooth((2.6 - UNIT[..., 1]) / 0.9)
    angle, low = (hold * roll).astype(np.float32), UNIT[..., 1] - 2.2
    upright_x = np.cos(angle) * UNIT[..., 0] + np.sin(angle) * low
    upright_y = np.cos(angle) * low - np.sin(angle) * UNIT[..., 0] + 2.2
    x, y = upright_x, upright_y
    for _ in range(4):
        at_x, at_y = (x * EYES + MIDDLE[0]).astype(np.float32), (y * EYES + MIDDLE[1]).astype(np.float32)
        near = cv2.remap(depth, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        x = (upright_x - hold * near * np.sin(yaw)) / (1 - hold * (1 - np.cos(yaw)))
        y = upright_y + hold * near * np.sin(pitch)
    at_x, at_y = (x * EYES + MIDDLE[0]).astype(np.float32), (y * EYES + MIDDLE[1]).astype(np.float32)
    return cv2.remap(layer, at_x, at_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def put(scene: np.ndarray, person: Person, place: Place, light: Light) -> None:
    """Draws the person into the scene."""
    layer = figure(person, place, light)
    scale = place.eyes / EYES
    if scale < 0.8:
        layer = cv2.GaussianBlur(layer, (0, 0), 0.42 / scale)
    matrix = np.array([[scale, 0, place.x - scale * MIDDLE[0]], [0, scale, place.y - scale * MIDDLE[1]]])
    height, width = scene.shape[:2]
    layer = cv2.warpAffine(layer, matrix, (width, height), flags=cv2.INTER_LINEAR)
    opacity = np.clip(layer[..., 3:], 0, 1)
    scene[:] = scene * (1 - opacity) + layer[..., :3]


def backdrop(width: int, height: int, colour: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A plain wall with uneven light."""
    slope = random.uniform(-0.16, 0.16, 2)
    across, down = np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height)
    shade = 1 + slope[0] * across[None] - 0.08 * down[:, None] + slope[1] * down[:, None] * across[None]
    shade = shade + 0.02 * noise(random, height, width, 5)
    return (np.asarray(colour, np.float32) * shade[..., None]).astype(np.float32)


def photographed(scene: np.ndarray, light: Light, grain: float, random: np.random.Generator, blur: float = 0.45) -> np.ndarray:
    """The scene as a camera records it: exposure, color balance, light falloff, lens, sensor noise and a little sharpening."""
    height, width = scene.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    falloff = 1 - 0.10 * (x**2 + y**2) / 2
    image = scene * (light.exposure * np.asarray(light.gains, np.float32)) * falloff[..., None].astype(np.float32)
    image = cv2.GaussianBlur(image, (0, 0), blur)
    image = image + 0.35 * (image - cv2.GaussianBlur(image, (0, 0), 1.1))
    strength = grain * np.sqrt(0.3 + np.clip(image, 0, 255) / 160)
    shared = random.standard_normal((height, width, 1), np.float32)
    own = random.standard_normal((height, width, 3), np.float32)
    image = image + strength * (0.8 * shared + 0.6 * own)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)
