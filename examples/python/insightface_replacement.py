"""insightface's FaceAnalysis on facekit, for code that is to stay as it is:

    from insightface_replacement import FaceAnalysis        # was: from insightface.app import FaceAnalysis

`python insightface_replacement.py photo.jpg` prints what `get` gives. Needs `pip install facekit pillow`."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import facekit


class Face(dict):
    """What was found, under insightface's names."""

    def __init__(self, face: facekit.Recognition) -> None:
        pose = face.quality.pose
        super().__init__(
            bbox=np.array(face.box.xyxy, "float32"),
            kps=face.landmarks,
            det_score=face.detection.score,
            embedding=face.embedding.values if face.embedding else None,
            normed_embedding=face.embedding.values if face.embedding else None,
            pose=np.array([pose.pitch, pose.yaw, pose.roll], "float32") if pose else None,
        )

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class FaceAnalysis:
    """Finds and embeds the faces of images in OpenCV's order, BGR. Whoever needs names looks at facekit.Gallery."""

    def __init__(self, name: str | None = None, providers: list[str] | None = None, **_: Any) -> None:
        cuda = any("CUDA" in str(provider) for provider in providers or [])
        self.options = {"runtime": "ort", "provider": "cuda"} if cuda else {}
        if name:
            self.options["models"] = name

    def prepare(self, ctx_id: int = -1, det_thresh: float = 0.5, det_size: tuple[int, int] = (640, 640)) -> None:
        self.recognizer = facekit.Recognizer(
            **self.options, detector_score=det_thresh, max_side=max(det_size), quality="anything", liveness=False
        )

    def get(self, img: np.ndarray, max_num: int = 0) -> list[Face]:
        faces = sorted(self.recognizer.recognize(img, color="bgr"), key=lambda face: face.box.area, reverse=True)
        return [Face(face) for face in faces[: max_num or None]]


def main() -> None:
    from PIL import Image

    app = FaceAnalysis()
    app.prepare(ctx_id=0, det_size=(640, 640))
    for photo in sys.argv[1:]:
        bgr = np.asarray(Image.open(photo).convert("RGB"))[..., ::-1]
        for face in app.get(bgr):
            print(photo, face.bbox.round().astype(int).tolist(), f"{face.det_score:.2f}", face.normed_embedding.shape)


if __name__ == "__main__":
    main()
