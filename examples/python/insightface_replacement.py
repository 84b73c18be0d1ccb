"""insightface's FaceAnalysis on facekit, for code that is to stay as it is:

    from insightface_replacement import FaceAnalysis        # was: from insightface.app import FaceAnalysis

What differs: the models are facekit's, so thresholds have to be set anew. `embedding` has length one, as `normed_embedding` has;
insightface's has the length that its model gives it. There are no `age`, `gender` and further landmarks: they are None.

`python insightface_replacement.py photo.jpg` prints what `get` gives. Needs `pip install facekit pillow`, and `facekit[ort]` for
accelerators."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

import facekit

# The names of insightface's sets of models.
PACKS = {"antelopev2", "buffalo_l", "buffalo_m", "buffalo_s", "buffalo_sc"}
# What facekit calls ONNX Runtime's providers; the CPU needs no ONNX Runtime.
PROVIDERS = {
    "CPUExecutionProvider": {},
    "CUDAExecutionProvider": {"runtime": "ort", "provider": "cuda"},
    "TensorrtExecutionProvider": {"runtime": "ort", "provider": "tensorrt"},
    "OpenVINOExecutionProvider": {"runtime": "ort", "provider": "openvino"},
    "CoreMLExecutionProvider": {"runtime": "ort", "provider": "coreml"},
}


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
            **dict.fromkeys(["age", "gender", "sex", "landmark_2d_106", "landmark_3d_68"]),
        )

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class FaceAnalysis:
    """Finds and embeds the faces of images in OpenCV's order, BGR. Whoever needs names looks at facekit.Gallery.

    `name` is a selection of facekit's models, such as "standard"; for a pack of insightface's it takes facekit's own. `providers` are
    tried in order, and one that cannot be had gives way to the next. `root`, `allowed_modules` and the rest mean nothing here."""

    def __init__(self, name: str | None = None, root: Any = None, allowed_modules: Any = None, *, providers=None, **_: Any) -> None:
        if name in PACKS:
            warnings.warn(f"{name} is a pack of insightface's; facekit's own models are taken", stacklevel=2)
            name = None
        self.selection = [name] if name else []
        # A provider may come with options, as a pair.
        names = [given if isinstance(given, str) else given[0] for given in providers or ["CPUExecutionProvider"]]
        if unknown := [name for name in names if name not in PROVIDERS]:
            raise ValueError(f"providers: {unknown[0]} given, any of {', '.join(PROVIDERS)} needed")
        self.providers = names
        self.recognizer: facekit.Recognizer | None = None

    def prepare(self, ctx_id: int = 0, det_thresh: float = 0.5, det_size: tuple[int, int] = (640, 640)) -> None:
        """Loads the models. A negative `ctx_id` is the CPU, whatever the providers."""
        options = {"detector_score": det_thresh, "max_side": max(det_size), "quality": "anything", "liveness": False}
        names = self.providers if ctx_id >= 0 else ["CPUExecutionProvider"]
        for name in names:
            try:
                self.recognizer = facekit.Recognizer(*self.selection, **options, **PROVIDERS[name])
                return
            except (facekit.errors.DeviceUnavailableError, facekit.errors.LibraryUnavailableError) as error:
                if name == names[-1]:
                    raise
                warnings.warn(f"{name} cannot be had, so the next is tried: {error}", stacklevel=2)

    def get(self, img: np.ndarray, max_num: int = 0, metric: str = "default") -> list[Face]:
        """The faces in falling order of score; of more than `max_num`, unless that is 0, the largest, by `metric` "default" those
        that are large and near to the centre."""
        if self.recognizer is None:
            self.prepare()
        faces = self.recognizer.recognize(img, color="bgr")

        def weight(face: facekit.Recognition) -> float:
            x, y = np.subtract(face.box.center, (faces.width / 2, faces.height / 2))
            return face.box.area - (0 if metric == "max" else 2 * (x * x + y * y))

        if 0 < max_num < len(faces):
            faces = sorted(faces, key=weight, reverse=True)[:max_num]
        return [Face(face) for face in faces]


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
