"""The standard liveness check, the pair of MiniFASNet networks, on ONNX Runtime and with the same crops as in facekit."""

import cv2
import numpy as np

from . import paths
from .teacher import free_batch, session

SIDE = 80
#: The context of each network: the ratio of the crop's side to the face box.
STANDARD = {"minifasnet_v2.onnx": 2.7, "minifasnet_v1se.onnx": 4.0}
#: The index of the output for a living face.
LIVE = 1


def crop_box(width: int, height: int, box: np.ndarray, context: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom (inclusive) of the box enlarged by `context` around its center. It is enlarged less if the
    image is too small, and shifted, not cut, at the edges of the image."""
    x, y, w, h = (float(v) for v in box[:4])
    scale = min(context, (width - 1) / w, (height - 1) / h)

    def span(start: float, length: float, most: int) -> tuple[int, int]:
        grown = scale * length
        start = max(min(start + length / 2 - grown / 2, most - grown), 0.0)
        return int(start), int(min(start + grown, most))

    (left, right), (top, bottom) = span(x, w, width - 1), span(y, h, height - 1)
    return left, top, right, bottom


def crop(image: np.ndarray, box: np.ndarray, context: float, side: int = SIDE) -> np.ndarray:
    """The crop around a face, `side` × `side`, by bilinear interpolation without antialiasing."""
    left, top, right, bottom = crop_box(image.shape[1], image.shape[0], box, context)
    return cv2.resize(image[top : bottom + 1, left : right + 1], (side, side), interpolation=cv2.INTER_LINEAR)


def softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class Networks:
    """The average of networks, each with a crop of its own context."""

    def __init__(self, networks: list[tuple[object, float]], threads: int = 1):
        self.parts = [(session(model, threads), context) for model, context in networks]

    @classmethod
    def standard(cls, threads: int = 1) -> "Networks":
        return cls([(free_batch(paths.weights(file)), context) for file, context in STANDARD.items()], threads)

    def probabilities(self, crops: list[np.ndarray]) -> np.ndarray:
        """The softmax (networks, n, 3) for BGR crops (n, 80, 80, 3), one array of crops for each network."""
        found = []
        for (run, _), images in zip(self.parts, crops, strict=True):
            name = run.get_inputs()[0].name
            parts = [
                run.run(None, {name: np.ascontiguousarray(images[i : i + 32].transpose(0, 3, 1, 2), np.float32)})[0]
                for i in range(0, len(images), 32)
            ]
            found.append(softmax(np.concatenate(parts)))
        return np.stack(found)

    def live(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """The mean probability of a living face for each box."""
        if not len(boxes):
            return np.zeros(0)
        crops = [np.stack([crop(image, box, context) for box in boxes]) for _, context in self.parts]
        return self.probabilities(crops)[:, :, LIVE].mean(0)
