"""Aligned faces, cut as in facekit: a similarity to ArcFace's template, bilinear interpolation, black outside the image."""

import cv2
import numpy as np

#: The five landmarks in an aligned face of 112 × 112 pixels: eye, eye, nose, mouth corner, mouth corner. Of a pair, the left
#: one in the image comes first.
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The least-squares similarity from the points `source` to the points `target` (Umeyama 1991), as a 2 × 3 matrix."""
    ms, mt = source.mean(0), target.mean(0)
    s, t = source - ms, target - mt
    u, values, vt = np.linalg.svd(t.T @ s / len(source))
    sign = np.ones(2)
    if np.linalg.det(u) * np.linalg.det(vt) < 0:
        sign[1] = -1
    rotation = u @ np.diag(sign) @ vt
    scale = (values * sign).sum() / (s**2).sum() * len(source)
    return np.hstack([scale * rotation, (mt - scale * rotation @ ms)[:, None]])


def align(image: np.ndarray, landmarks: np.ndarray, side: int = 112, margin: int = 0) -> np.ndarray:
    """The face with these five landmarks, `side` pixels wide plus `margin` on every side."""
    matrix = similarity(np.asarray(landmarks, float).reshape(5, 2), TEMPLATE * (side / 112))
    matrix[:, 2] += margin
    whole = side + 2 * margin
    return cv2.warpAffine(image, matrix, (whole, whole), flags=cv2.INTER_LINEAR)
