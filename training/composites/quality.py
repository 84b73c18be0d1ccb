"""facekit's quality of a face (`facekit/src/quality.rs`, `geometry/pose.rs`), for choosing and checking photos."""

import numpy as np

#: The five landmarks of a mean head: x to the right, y down, z away from the camera, in eye distances.
HEAD = np.array(
    [[-0.5, 0, 0], [0.5, 0, 0], [0, 0.571, -0.444], [-0.414, 1.155, -0.048], [0.414, 1.155, -0.048]]
)
#: QualityOptions::recognition(), the default gate, and QualityOptions::enrollment().
RECOGNITION = dict(eyes=12, sharpness=0.02, brightness=(0.08, 0.95), contrast=0.03, yaw=60, pitch=50, visible=0.7)
ENROLLMENT = dict(eyes=24, sharpness=0.04, brightness=(0.15, 0.9), contrast=0.06, yaw=40, pitch=35, visible=0.9)


def pose(points: np.ndarray) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees, by a weak-perspective fit of a mean head."""
    head = HEAD - HEAD.mean(0)
    points = np.asarray(points, float).reshape(5, 2)
    i, j = (np.linalg.inv(head.T @ head) @ head.T @ points[:, axis] for axis in (0, 1))
    i, j = i / np.linalg.norm(i), j / np.linalg.norm(j)
    both, apart = (i + j) / np.linalg.norm(i + j), (i - j) / np.linalg.norm(i - j)
    i, j = np.sqrt(0.5) * (both + apart), np.sqrt(0.5) * (both - apart)
    k = np.cross(i, j)
    yaw, pitch, roll = np.arcsin(np.clip(k[0], -1, 1)), -np.arctan2(k[1], k[2]), np.arctan2(j[0], i[0])
    return tuple(float(v) for v in np.degrees([yaw, pitch, roll]))


def texture(aligned: np.ndarray) -> tuple[float, float, float]:
    """Sharpness, brightness and contrast of an aligned BGR face."""
    luma = aligned.astype(float) @ np.array([0.114, 0.587, 0.299]) / 255
    side = len(luma)
    a, b = max(side // 5, 1), side - side // 5
    here = luma[a:b, a:b]
    around = luma[a - 1 : b - 1, a:b] + luma[a + 1 : b + 1, a:b] + luma[a:b, a - 1 : b - 1] + luma[a:b, a + 1 : b + 1]
    deviation = here.std()
    sharpness = np.abs(4 * here - around).mean() / deviation if deviation > 1e-3 else 0.0
    return float(sharpness), float(here.mean()), float(deviation)


def measure(width: int, height: int, face: np.ndarray, aligned: np.ndarray) -> dict[str, float]:
    x, y, w, h = face[:4]
    points = face[4:14].reshape(5, 2)
    inside = max(0, min(x + w, width) - max(x, 0)) * max(0, min(y + h, height) - max(y, 0))
    yaw, pitch, roll = pose(points)
    sharpness, brightness, contrast = texture(aligned)
    return dict(
        eyes=float(np.linalg.norm(points[1] - points[0])), sharpness=sharpness, brightness=brightness,
        contrast=contrast, yaw=yaw, pitch=pitch, roll=roll, visible=inside / (w * h),
    )  # fmt: skip


def issues(quality: dict[str, float], gate: dict) -> list[str]:
    """The names of the properties that do not pass the gate."""
    found = [name for name in ("eyes", "sharpness", "contrast", "visible") if quality[name] < gate[name]]
    if not gate["brightness"][0] <= quality["brightness"] <= gate["brightness"][1]:
        found.append("brightness")
    return found + [name for name in ("yaw", "pitch") if abs(quality[name]) > gate[name]]
