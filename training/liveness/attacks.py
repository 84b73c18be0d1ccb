"""Simulated attacks: a photo is printed or shown on a screen and photographed again.

Images are float32 BGR, 0 to 255. The same `camera` is applied to attacks and to living faces, so its traces do not reveal an
attack.
"""

from dataclasses import dataclass

import cv2
import numpy as np

Random = np.random.Generator

#: Prints that fill the frame, prints held in a room, halftone prints, screens that fill the frame, devices held in a room.
KINDS = ("print_close", "print_held", "halftone", "screen_close", "screen_device")
LIVE = "live"


#: Normal noise from which parts are cut. Drawing new noise would take longer than everything else.
NOISE = np.random.default_rng(0).standard_normal((1024, 1024, 3), np.float32)


@dataclass(frozen=True)
class View:
    """A picture and the box of its face: x, y, width, height in pixels."""

    image: np.ndarray
    box: np.ndarray


def noise(height: int, width: int, channels: int, random: Random) -> np.ndarray:
    y, x = random.integers(0, 1024 - height), random.integers(0, 1024 - width)
    return NOISE[y : y + height, x : x + width, :channels]


def power(image: np.ndarray, exponent: float) -> np.ndarray:
    return cv2.pow(np.clip(image, 0, 255) * np.float32(1 / 255), exponent) * np.float32(255)


def live(view: View, random: Random) -> View:
    """A living face in front of a random camera."""
    return camera(framed(view, random), random)


def attack(kind: str, view: View, room: np.ndarray, random: Random) -> View:
    """The photo as an attack of this kind. `room` is the background of a print or device that does not fill the frame."""
    view = framed(view, random)
    if kind in ("print_close", "print_held", "halftone"):
        shown = printed(view.image, random, halftone=kind == "halftone")
    elif kind in ("screen_close", "screen_device"):
        shown = screened(view.image, random)
    else:
        raise ValueError(f"{kind!r} is no kind of attack")
    if kind == "print_held" or (kind == "halftone" and random.random() < 0.4):
        margin = random.uniform(0.0, 0.10) if random.random() < 0.7 else 0.0
        paper = np.float32(random.uniform(190, 250)) * random.uniform(0.93, 1.0, 3).astype(np.float32)
        seen = held(shown, view.box, room, (margin, margin), paper, random)
    elif kind == "screen_device":
        bezel = np.float32(random.uniform(4, 40)) * np.ones(3, np.float32)
        if random.random() < 0.2:
            bezel = np.float32(random.uniform(180, 240)) * np.ones(3, np.float32)
        thick = random.uniform(0.01, 0.07), random.uniform(0.02, 0.14)
        seen = held(shown, view.box, room, thick, bezel, random)
    else:
        seen = close(shown, view.box, random)
    seen = View(*around(seen.image, seen.box))
    image = lit(seen.image, random, glossy=kind.startswith("screen") or random.random() < 0.4)
    if kind.startswith("screen"):
        image = moire(image, random)
    # The second photo is rarely exactly in focus.
    image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.3, 1.6) * max(1.0, seen.box[2] / 120))
    return camera(View(image, seen.box), random)


def framed(view: View, random: Random) -> View:
    """The photo, randomly mirrored, and cut to a part around the face or continued beyond its edges."""
    image, box = view.image, view.box.astype(float).copy()
    height, width = image.shape[:2]
    if random.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
        box[0] = width - box[0] - box[2]
    choice = random.random()
    if choice < 0.35:
        more = int(random.uniform(0.1, 0.7) * width)
        image = cv2.copyMakeBorder(image, more, more, more, more, cv2.BORDER_REFLECT_101)
        box[:2] += more
    elif choice < 0.55:
        left, top = random.uniform(0, 0.8, 2) * np.maximum(box[:2], 0)
        right = random.uniform(0.2, 1) * (width - box[0] - box[2]) + box[0] + box[2]
        bottom = random.uniform(0.2, 1) * (height - box[1] - box[3]) + box[1] + box[3]
        left, top, right, bottom = int(left), int(top), int(min(right, width)), int(min(bottom, height))
        image = image[top:bottom, left:right]
        box[:2] -= left, top
    return View(image.astype(np.float32), box)


def printed(image: np.ndarray, random: Random, halftone: bool = False) -> np.ndarray:
    """Ink on paper: fewer colors, brighter blacks, the grain of the paper and, with `halftone`, the dots of a printer."""
    grey = image @ np.array([0.114, 0.587, 0.299], np.float32)
    colour = np.float32(0.0 if random.random() < 0.1 else random.uniform(0.5, 1.1))
    image = grey[..., None] + colour * (image - grey[..., None])
    image = power(image, random.uniform(0.75, 1.35))
    black, white = random.uniform(8, 60), random.uniform(190, 250)
    image = black + image * np.float32((white - black) / 255)
    image = image * random.uniform(0.88, 1.08, 3).astype(np.float32)
    if halftone:
        image = dots(image, random)
    grain = noise(*image.shape[:2], 1, random) * np.float32(random.uniform(0, 5))
    if random.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.3, 1.2))
    return image + grain


def dots(image: np.ndarray, random: Random) -> np.ndarray:
    """Dots of each ink on a grid with its own angle. Dots are larger where there is more ink."""
    scale = 2
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    pitch, first = scale * random.uniform(1.6, 4.0), random.uniform(0, 90)
    height, width = image.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    strength = np.float32(random.uniform(0.35, 1.0))
    out = image.copy()
    for channel, turn in enumerate((0, 30, 60)):
        angle = np.radians(first + turn)
        u = (np.cos(angle) * x + np.sin(angle) * y) * (2 * np.pi / pitch)
        v = (np.cos(angle) * y - np.sin(angle) * x) * (2 * np.pi / pitch)
        screen = (np.cos(u) + np.cos(v)) / 4 + 0.5
        ink = 1 - np.clip(image[..., channel], 0, 255) / 255
        dot = 255 * (1 - np.clip((ink - screen) * 5 + 0.5, 0, 1))
        out[..., channel] += strength * (dot - out[..., channel])
    return cv2.resize(out, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)


def screened(image: np.ndarray, random: Random) -> np.ndarray:
    """A display: its white point, contrast and brightness, which is often too high, and its grid of pixels."""
    image = power(image, random.uniform(0.7, 1.4))
    black = random.uniform(0, 40)
    image = black + image * np.float32(random.uniform(0.75, 1.35) * (255 - black) / 255)
    cool = random.normal(0.04, 0.05)
    image = image * np.array([1 + cool, 1.0, 1 - cool], np.float32)
    if random.random() < 0.4:
        grid = np.ones(image.shape[:2], np.float32)
        strength = random.uniform(0.02, 0.12)
        grid[:: int(random.integers(2, 4))] -= strength
        if random.random() < 0.5:
            grid[:, :: int(random.integers(2, 4))] -= strength
        image = image * grid[..., None]
    return np.clip(image, 0, 270)


def moire(image: np.ndarray, random: Random) -> np.ndarray:
    """Moiré between the pixels of the display and of the sensor: fine waves, which are shifted a little for each color."""
    if random.random() < 0.15:
        return image
    height, width = image.shape[:2]
    x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    bend = np.float32(random.uniform(0, 0.12)) * (x * x + y * y) + np.float32(random.uniform(-0.1, 0.1)) * x * y
    out = image.copy()
    for _ in range(int(random.integers(1, 3))):
        angle, waves = random.uniform(0, np.pi), np.exp(random.uniform(np.log(8), np.log(min(width, height) / 2.5)))
        phase = np.float32(np.pi * waves) * (np.cos(angle) * x + np.sin(angle) * y + bend)
        strength, shift = random.uniform(0.01, 0.11), random.uniform(0, 2.1)
        cosine, sine = np.float32(strength) * np.cos(phase), np.float32(strength) * np.sin(phase)
        for channel in range(3):
            c, s = np.float32(np.cos(shift * channel)), np.float32(np.sin(shift * channel))
            out[..., channel] *= 1 + c * cosine - s * sine
    return out


def close(image: np.ndarray, box: np.ndarray, random: Random) -> View:
    """A print or display that fills the frame, seen slightly from the side."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inward = np.abs(random.normal(0, 0.05, (4, 2))) * [width, height]
    space = np.minimum(box[:2], [width - box[0] - box[2], height - box[1] - box[3]])
    inward = np.minimum(inward, 0.6 * np.maximum(space, 0))
    sign = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    side = random.uniform(0.8, 1.6)
    size = int(np.clip(width * side, 120, 480)), int(np.clip(height * side, 120, 480))
    target = np.array([[0, 0], [size[0], 0], size, [0, size[1]]], np.float32)
    matrix = cv2.getPerspectiveTransform((corners + sign * inward).astype(np.float32), target)
    return View(cv2.warpPerspective(image, matrix, size), moved(box, matrix))


def held(
    image: np.ndarray, box: np.ndarray, room: np.ndarray, edge: tuple[float, float], colour: np.ndarray, random: Random
) -> View:
    """The print or device with its edge (shares of the width and of the height) in a room."""
    across, down = int(edge[0] * image.shape[1]), int(edge[1] * image.shape[0])
    image = cv2.copyMakeBorder(image, down, down, across, across, cv2.BORDER_CONSTANT, value=[float(c) for c in colour])
    box = box + [across, down, 0, 0]
    height, width = image.shape[:2]
    size = int(random.uniform(260, 480))
    fill = random.uniform(0.55, 1.15)
    scale = fill * size / max(height, width)
    angle = np.radians(random.normal(0, 6))
    centre = np.array([size, size]) / 2 + random.normal(0, 0.06 * size, 2)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, height / 2] * scale
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = half @ turn.T * random.uniform(0.92, 1.08, (4, 1)) + centre
    # The face stays in view.
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target.astype(np.float32))
    face = moved(box, matrix)
    target += np.clip(face[:2] + face[2:] / 2, 0.3 * size, 0.7 * size) - (face[:2] + face[2:] / 2)
    matrix = cv2.getPerspectiveTransform(corners, target.astype(np.float32))
    behind = cv2.resize(room, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    behind = cv2.GaussianBlur(behind, (0, 0), random.uniform(0.3, 5))
    layer = cv2.warpPerspective(image, matrix, (size, size), borderMode=cv2.BORDER_CONSTANT)
    there = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, (size, size))
    there = cv2.GaussianBlur(there, (0, 0), 0.7)[..., None]
    shadow = cv2.GaussianBlur(there, (0, 0), 6)[..., None] * np.float32(random.uniform(0, 0.4))
    return View(behind * (1 - shadow) * (1 - there) + layer * there, face)


def moved(box: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The box after a perspective transformation: the bounding box of the transformed midpoints of its sides."""
    x, y, w, h = box[:4]
    points = np.array([[x, y + h / 2], [x + w, y + h / 2], [x + w / 2, y], [x + w / 2, y + h]], np.float32)
    points = cv2.perspectiveTransform(points[None], matrix)[0]
    low, high = points.min(0), points.max(0)
    return np.array([*low, *(high - low)], float)


def lit(image: np.ndarray, random: Random, glossy: bool) -> np.ndarray:
    """Light on a flat surface: a gradient, and on a glossy one the reflection of a lamp or a window."""
    height, width = image.shape[:2]
    x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    slope = random.normal(0, 0.12, 2)
    image = image * (1 + np.float32(slope[0]) * x + np.float32(slope[1]) * y)[..., None]
    if glossy and random.random() < 0.5:
        cx, cy = random.uniform(-0.9, 0.9, 2)
        if random.random() < 0.5:
            r = np.hypot((x - cx) / random.uniform(0.08, 0.5), (y - cy) / random.uniform(0.08, 0.5))
            glare = np.exp(-(r**2))
        else:
            angle, wide = random.uniform(-0.5, 0.5), random.uniform(0.1, 0.4)
            u, v = x - cx + np.float32(angle) * y, y - cy
            glare = ((np.abs(u) < wide) & (np.abs(v) < 2 * wide)).astype(np.float32)
            glare = cv2.GaussianBlur(glare, (0, 0), random.uniform(1, 8))
        image = image + np.float32(random.uniform(20, 140)) * glare[..., None]
    return image


def around(image: np.ndarray, box: np.ndarray, context: float = 3.3) -> tuple[np.ndarray, np.ndarray]:
    """The part around the face that is needed. The rest need not be computed."""
    middle, reach = box[:2] + box[2:] / 2, context / 2 * box[2:]
    left, top = np.maximum(middle - reach, 0).astype(int)
    right, bottom = np.minimum(middle + reach, image.shape[1::-1]).astype(int)
    return np.ascontiguousarray(image[top:bottom, left:right]), box - [left, top, 0, 0]


def camera(view: View, random: Random) -> View:
    """The picture as a camera records it: size, exposure, color balance, focus, noise and JPEG."""
    image, box = around(view.image, view.box)
    target = np.exp(random.uniform(np.log(70), np.log(190)))
    scale = np.clip(target / box[3], 0.4, 640 / max(image.shape[:2]))
    if abs(scale - 1) > 0.05:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=method)
        box = box * scale
    gain = np.float32(np.exp(random.normal(0, 0.15))) * np.exp(random.normal(0, 0.05, 3)).astype(np.float32)
    image = image * gain
    if random.random() < 0.3:
        image = power(image, float(np.exp(random.normal(0, 0.2))))
    if random.random() < 0.25:
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.3, 1.0) * max(1.0, box[2] / 120))
    if random.random() < 0.25:
        image = image + np.float32(random.uniform(0.2, 0.8)) * (image - cv2.GaussianBlur(image, (0, 0), 1.2))
    if random.random() < 0.5:
        image = image + np.float32(random.uniform(0.5, 6)) * noise(*image.shape[:2], 3, random)
    image = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    if random.random() < 0.8:
        _, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(45, 97))])
        image = cv2.imdecode(file, cv2.IMREAD_COLOR)
    return View(image, box)
