"""insightface's FaceAnalysis on facekit, for code that should not change:

    from insightface_replacement import FaceAnalysis        # before: from insightface.app import FaceAnalysis

Differences: the models are facekit's, so thresholds must be set again. `embedding` has length one, as `normed_embedding`; in
insightface it has another length. `age`, `gender` and further landmarks are None.

`python insightface_replacement.py photo.jpg` prints the faces of a photo. Needs `pip install facekit pillow`, and `facekit[ort]` for
accelerators."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

import facekit

# insightface's sets of models.
PACKS = {"antelopev2", "buffalo_l", "buffalo_m", "buffalo_s", "buffalo_sc"}
# The options of facekit for ONNX Runtime's providers. The CPU needs no ONNX Runtime.
PROVIDERS = {
    "CPUExecutionProvider": {},
    "CUDAExecutionProvider": {"runtime": "ort", "provider": "cuda"},
    "TensorrtExecutionProvider": {"runtime": "ort", "provider": "tensorrt"},
    "OpenVINOExecutionProvider": {"runtime": "ort", "provider": "openvino"},
    "CoreMLExecutionProvider": {"runtime": "ort", "provider": "coreml"},
}


class Face(dict):
    """A face with insightface's names."""

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
    """Detects and embeds faces in images in OpenCV's order of channels, BGR. To identify people, see facekit.Gallery.

    `name` selects facekit's models, such as "standard". For the name of an insightface pack, facekit's default models are used.
    `providers` are tried in order until one is available. `root`, `allowed_modules` and other arguments have no effect."""

    def __init__(self, name: str | None = None, root: Any = None, allowed_modules: Any = None, *, providers=None, **_: Any) -> None:
        if name in PACKS:
            warnings.warn(f"{name} is a pack of insightface; facekit's own models are used", stacklevel=2)
            name = None
        self.selection = [name] if name else []
        # A provider can be a pair of name and options.
        names = [given if isinstance(given, str) else given[0] for given in providers or ["CPUExecutionProvider"]]
        if unknown := [name for name in names if name not in PROVIDERS]:
            raise ValueError(f"providers: {unknown[0]} given, any of {', '.join(PROVIDERS)} needed")
        self.providers = names
        self.recognizer: facekit.Recognizer | None = None

    def prepare(self, ctx_id: int = 0, det_thresh: float = 0.5, det_size: tuple[int, int] = (640, 640)) -> None:
        """Loads the models. A negative `ctx_id` selects the CPU and ignores the providers."""
        options = {"detector_score": det_thresh, "max_side": max(det_size), "quality": "anything", "liveness": False}
        names = self.providers if ctx_id >= 0 else ["CPUExecutionProvider"]
        for name in names:
            try:
                self.recognizer = facekit.Recognizer(*self.selection, **options, **PROVIDERS[name])
                return
            except (facekit.errors.DeviceUnavailableError, facekit.errors.LibraryUnavailableError) as error:
                if name == names[-1]:
                    raise
                warnings.warn(f"{name} is not available, so the next provider is tried: {error}", stacklevel=2)

    def get(self, img: np.ndarray, max_num: int = 0, metric: str = "default") -> list[Face]:
        """The faces, best score first. If there are more than `max_num`, and `max_num` is not 0, the largest ones; with the `metric`
        "default", those that are large and near to the center."""
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
