"""Scenes that the teacher labels: photos that are rotated, scaled, cut, tiled and placed on textures, and frames without faces.

A photo of Labeled Faces in the Wild has 250 × 250 pixels with a face of about 95 × 120 in the middle. No labels are needed: the
student learns what the teacher finds in a scene. A scene records where its photos are, because the teacher's points are most
accurate in an upright photo of full size.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from .textures import Random, colour, texture

#: Width and height of the photos.
SIDE = 250
#: The approximate height in pixels of the face in the middle of a photo.
FACE = 120

BORDERS = (cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101, cv2.BORDER_WRAP)


def spread(rng: Random, low: float, high: float) -> float:
    """A random size between `low` and `high`. Its logarithm is uniformly distributed."""
    return float(np.exp(rng.uniform(np.log(low), np.log(max(high, low * 1.001)))))


def angle(rng: Random) -> float:
    """A random rotation in degrees: most heads are upright, a third is tilted by up to 35, a few have any rotation."""
    kind = rng.random()
    if kind < 0.6:
        return rng.normal(0, 7)
    if kind < 0.95:
        return rng.uniform(-35, 35)
    return rng.uniform(-180, 180)


def placed(scale: float, degrees: float, source: tuple[float, float], target: tuple[float, float]) -> np.ndarray:
    """The 2 × 3 matrix that rotates and scales around `source` and moves it to `target`."""
    matrix = cv2.getRotationMatrix2D(source, degrees, scale)
    matrix[:, 2] += np.subtract(target, source)
    return matrix


def warp(photo: np.ndarray, matrix: np.ndarray, height: int, width: int, border: int, paint: list[float]) -> np.ndarray:
    """`photo` transformed by `matrix`. It is halved before, as often as needed to avoid aliasing."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    while scale < 0.6 and min(photo.shape[:2]) >= 16:
        height_2, width_2 = (side // 2 for side in photo.shape[:2])
        photo = cv2.resize(photo[: 2 * height_2, : 2 * width_2], (width_2, height_2), interpolation=cv2.INTER_AREA)
        # The center of pixel u of the smaller photo is at 2 u + ½ in the larger one.
        matrix = np.hstack([2 * matrix[:, :2], (matrix @ [0.5, 0.5, 1.0])[:, None]])
        scale *= 2
    smooth = cv2.INTER_CUBIC if scale > 1.5 else cv2.INTER_LINEAR
    return cv2.warpAffine(photo, matrix, (width, height), flags=smooth, borderMode=border, borderValue=paint)


#: The matrix from a photo to its mirror image.
MIRROR = np.array([[-1.0, 0, SIDE - 1], [0, 1, 0], [0, 0, 1]])


@dataclass
class Scene:
    image: np.ndarray
    #: The photos in it: number, and the 2 × 3 matrix from the photo's pixels to those of the scene.
    photos: list[tuple[int, np.ndarray]] = field(default_factory=list)
    #: True if it certainly has no face.
    empty: bool = False


class Pick:
    """A photo for a scene, randomly mirrored."""

    def __init__(self, photos: np.ndarray, number: int, rng: Random):
        self.number = number
        self.mirrored = rng.random() < 0.5
        self.pixels = photos[self.number][:, ::-1] if self.mirrored else photos[self.number]

    def through(self, matrix: np.ndarray) -> tuple[int, np.ndarray]:
        """The record of this photo in a scene, after a transformation of its pixels by `matrix`."""
        return self.number, np.vstack([matrix, [0, 0, 1]])[:2] @ (MIRROR if self.mirrored else np.eye(3))


class Scenes:
    """Draws scenes from photos: (n, 250, 250, 3), uint8, BGR.

    `bystanders` (n, 5) are the faces beside the one in the middle: number of the photo, x, y, width and height. There are few of
    them, and they are more often covered, blurred or seen from the side. So scenes use them more often.
    """

    def __init__(self, photos: np.ndarray, bystanders: np.ndarray):
        self.photos, self.bystanders = photos, bystanders

    def draw(self, rng: Random, height: int, width: int) -> Scene:
        """A scene (height, width, 3). It depends only on the state of `rng`."""
        kind = rng.random()
        if kind < 0.2 and min(height, width) >= SIDE:
            scene = self.native(rng, height, width)
        elif kind < 0.55:
            scene = self.single(rng, height, width)
        elif kind < 0.7:
            scene = self.tiled(rng, height, width)
        elif kind < 0.9:
            scene = self.strewn(rng, height, width)
        elif kind < 0.96:
            scene = Scene(texture(rng, height, width), empty=True)
        else:
            scene = self.erased(rng, height, width)
        if rng.random() < 0.2:
            self.cover(rng, scene.image)
        if rng.random() < 0.7:
            scene.image = lit(rng, scene.image)
        return scene

    def pick(self, rng: Random) -> Pick:
        return Pick(self.photos, int(rng.integers(len(self.photos))), rng)

    def pick_bystander(self, rng: Random, share: float) -> tuple[Pick, np.ndarray | None]:
        """With probability `share` a photo with a bystander and the bystander's box, otherwise any photo and None."""
        if not len(self.bystanders) or rng.random() >= share:
            return self.pick(rng), None
        number, *box = self.bystanders[rng.integers(len(self.bystanders))]
        pick = Pick(self.photos, int(number), rng)
        if pick.mirrored:
            box[0] = SIDE - box[0] - box[2]
        return pick, np.array(box)

    def background(self, rng: Random, height: int, width: int) -> np.ndarray:
        """A texture, or the enlarged edge of a photo, which shows clothes, walls and hair but hardly ever a face."""
        return texture(rng, height, width) if rng.random() < 0.5 else self.edge(rng, height, width)

    def edge(self, rng: Random, height: int, width: int) -> np.ndarray:
        """The enlarged edge of a photo."""
        photo, size = self.pick(rng).pixels, int(rng.integers(30, 60))
        x = 0 if rng.random() < 0.5 else SIDE - size
        y = int(rng.integers(0, SIDE - size))
        part = photo[y : y + size, x : x + size]
        image = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(1, 6)) if rng.random() < 0.3 else image

    def native(self, rng: Random, height: int, width: int) -> Scene:
        """A photo without changes, padded with black on the right and at the bottom, as a detector pads images; or shifted a
        little, so that its faces are at other places relative to the cells."""
        image = np.zeros((height, width, 3), np.uint8)
        photo, _ = self.pick_bystander(rng, 0.4)
        room = np.minimum([width - SIDE, height - SIDE], 31)
        x, y = rng.integers(0, room + 1) if rng.random() < 0.5 else (0, 0)
        image[y : y + SIDE, x : x + SIDE] = photo.pixels
        return Scene(image, [photo.through(np.array([[1.0, 0, x], [0, 1, y]]))])

    def single(self, rng: Random, height: int, width: int) -> Scene:
        """One photo, with a face from 30 pixels to more than the frame, continued beyond its edge or placed on a background."""
        photo, box = self.pick_bystander(rng, 0.4)
        if box is None:
            scale = spread(rng, 30, 1.25 * min(height, width)) / FACE
            source = tuple(SIDE / 2 + rng.normal(0, 8, 2))
        else:
            scale = min(spread(rng, 16, 0.7 * min(height, width)) / box[3], 3.0)
            source = tuple(box[:2] + box[2:] / 2)
        target = (rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height)
        matrix = placed(scale, angle(rng), source, target)
        if rng.random() < 0.6:
            border = BORDERS[rng.integers(len(BORDERS))]
            image = warp(photo.pixels, matrix, height, width, border, colour(rng).tolist())
        else:
            image = self.background(rng, height, width)
            blend(image, photo.pixels, np.full((SIDE, SIDE), 255, np.uint8), matrix)
        return Scene(image, [photo.through(matrix)])

    def tiled(self, rng: Random, height: int, width: int) -> Scene:
        """Photos side by side, each with its own rotation and crop."""
        side = int(spread(rng, 34, 0.8 * min(height, width)))
        scene = Scene(np.empty((height, width, 3), np.uint8))
        left, top = rng.integers(-side + 1, 1, 2)
        close = rng.uniform(110, SIDE)
        for y in range(top, height, side):
            for x in range(left, width, side):
                seen = close * rng.uniform(0.8, 1.2)
                source = tuple(SIDE / 2 + rng.normal(0, 10, 2))
                matrix, photo = placed(side / seen, angle(rng), source, (side / 2, side / 2)), self.pick(rng)
                tile = warp(photo.pixels, matrix, side, side, BORDERS[rng.integers(1, 3)], [0, 0, 0])
                y0, x0, y1, x1 = max(y, 0), max(x, 0), min(y + side, height), min(x + side, width)
                scene.image[y0:y1, x0:x1] = tile[y0 - y : y1 - y, x0 - x : x1 - x]
                matrix[:, 2] += [x, y]
                scene.photos.append(photo.through(matrix))
        return scene

    def strewn(self, rng: Random, height: int, width: int) -> Scene:
        """Up to a dozen photos on a background, each cut to a box or to an oval with soft edges."""
        scene = Scene(self.background(rng, height, width))
        for _ in range(int(spread(rng, 1, 13))):
            scale = spread(rng, 14, 0.9 * min(height, width)) / FACE
            target = (rng.uniform(0, width), rng.uniform(0, height))
            mask = np.zeros((SIDE, SIDE), np.uint8)
            half = rng.uniform(50, SIDE / 2, 2)
            if rng.random() < 0.5:
                low, high = (SIDE / 2 - half).astype(int), (SIDE / 2 + half).astype(int)
                mask[low[1] : high[1], low[0] : high[0]] = 255
            else:
                axes = tuple(int(v) for v in half)
                cv2.ellipse(mask, (SIDE // 2, SIDE // 2), axes, 0, 0, 360, 255, -1)
                mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(1, 8))
            matrix, photo = placed(scale, angle(rng), (SIDE / 2, SIDE / 2), target), self.pick(rng)
            blend(scene.image, photo.pixels, mask, matrix)
            scene.photos.append(photo.through(matrix))
        return scene

    def erased(self, rng: Random, height: int, width: int) -> Scene:
        """A photo without its face, which is blurred, painted over, covered with its surroundings, or cut into shuffled
        pieces."""
        photo = self.pick(rng).pixels.copy()
        x, y = rng.integers(55, 75), rng.integers(35, 60)
        w, h = SIDE - 2 * x, SIDE - y - int(rng.integers(40, 60))
        hole = photo[y : y + h, x : x + w]
        match int(rng.integers(4)):
            case 0:
                hole[:] = cv2.GaussianBlur(hole, (0, 0), rng.uniform(15, 40))
            case 1:
                hole[:] = texture(rng, h, w)
            case 2:
                hole[:] = cv2.resize(photo[:h, : x - 10], (w, h))
            case _:
                size = int(rng.integers(6, 16))
                across, down = w // size, h // size
                pieces = [
                    hole[r * size : (r + 1) * size, c * size : (c + 1) * size].copy()
                    for r in range(down)
                    for c in range(across)
                ]
                for place, piece in enumerate(rng.permutation(len(pieces))):
                    r, c = divmod(place, across)
                    hole[r * size : (r + 1) * size, c * size : (c + 1) * size] = pieces[piece]
        scale = spread(rng, 0.3, 2)
        matrix = placed(scale, angle(rng), (SIDE / 2, SIDE / 2), (width / 2, height / 2))
        return Scene(warp(photo, matrix, height, width, BORDERS[rng.integers(3)], colour(rng).tolist()))

    def cover(self, rng: Random, image: np.ndarray) -> None:
        """Covers parts of `image`, also of faces, with a few boxes of one color or pieces of a photo's edge."""
        height, width = image.shape[:2]
        for _ in range(int(rng.integers(1, 6))):
            size = np.exp(rng.uniform(np.log(8), np.log(min(height, width) / 2), 2)).astype(int)
            x, y = int(rng.integers(width)), int(rng.integers(height))
            over = image[y : y + size[1], x : x + size[0]]
            over[:] = colour(rng) if rng.random() < 0.4 else self.edge(rng, *over.shape[:2])


def blend(image: np.ndarray, photo: np.ndarray, mask: np.ndarray, matrix: np.ndarray) -> None:
    """Draws `photo` on `image`, with `mask` (0 to 255) as its opacity."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0, 1], [SIDE, 0, 1], [0, SIDE, 1], [SIDE, SIDE, 1]]) @ matrix.T
    x0, y0 = np.clip(np.floor(corners.min(0)).astype(int), 0, [width, height])
    x1, y1 = np.clip(np.ceil(corners.max(0)).astype(int), 0, [width, height])
    if x1 <= x0 or y1 <= y0:
        return
    matrix = matrix.copy()
    matrix[:, 2] -= [x0, y0]
    size = (int(y1 - y0), int(x1 - x0))
    over = warp(photo, matrix, *size, cv2.BORDER_REPLICATE, [0, 0, 0]).astype(np.float32)
    share = warp(mask, matrix, *size, cv2.BORDER_CONSTANT, [0, 0, 0])[..., None] / np.float32(255)
    under = image[y0:y1, x0:x1]
    under[:] = np.clip(under + share * (over - under), 0, 255).astype(np.uint8)


def lit(rng: Random, image: np.ndarray) -> np.ndarray:
    """Simulates other light, cameras and compression: tone, color cast, gray, blur, grain, JPEG."""
    if rng.random() < 0.12:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    levels = np.linspace(0, 1, 256)[:, None]
    tone = levels ** np.exp(rng.normal(0, 0.3))
    tone = (tone - 0.5) * np.exp(rng.normal(0, 0.25)) + 0.5 + rng.normal(0, 0.08)
    cast = np.exp(rng.normal(0, 0.12, 3)) if rng.random() < 0.5 else np.ones(3)
    dark = rng.uniform(0.25, 1) if rng.random() < 0.15 else 1.0
    table = np.clip(255 * tone * cast * dark, 0, 255).astype(np.uint8)
    image = cv2.LUT(image, table[None])
    kind = rng.random()
    height, width = image.shape[:2]
    if kind < 0.12:
        image = cv2.GaussianBlur(image, (0, 0), spread(rng, 0.5, 2.5))
    elif kind < 0.2:
        small = spread(rng, 0.3, 0.9)
        image = cv2.resize(image, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.15:
        grain = rng.standard_normal((height, width, 3), np.float32)
        image = np.clip(image + spread(rng, 2, 18) * grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
    return image
