"""The teachers: networks of facekit's standard set on ONNX Runtime, with the same pre- and postprocessing as in facekit."""

from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime

from . import paths

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def session(model: Path | bytes, threads: int = 1) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def free_batch(path: Path) -> bytes:
    """The same network with a free batch, for exports with a batch of 1.

    It is correct only for networks of convolutions with one reshape to (1, n) at the end.
    """
    model = onnx.load(str(path))
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    del model.graph.value_info[:]
    shapes = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    constants = [n.attribute[0].t for n in model.graph.node if n.op_type == "Constant" and n.output[0] in shapes]
    for tensor in [*constants, *(t for t in model.graph.initializer if t.name in shapes)]:
        shape = onnx.numpy_helper.to_array(tensor).copy()
        if shape[0] == 1:
            # Zero means the size of the input.
            shape[0] = 0
            tensor.CopyFrom(onnx.numpy_helper.from_array(shape, tensor.name))
    return model.SerializeToString()


class MobileFaceNet:
    """The teacher of the embedder: from aligned RGB faces, uint8 (n, 112, 112, 3), to unit vectors (n, 128)."""

    def __init__(self, threads: int = 1, batch: int = 32):
        self.session = session(free_batch(paths.weights("mobilefacenet.onnx")), threads)
        self.batch = batch

    def embed(self, faces: np.ndarray) -> np.ndarray:
        parts = []
        for i in range(0, len(faces), self.batch):
            x = (faces[i : i + self.batch].astype(np.float32) / 255 - MEAN) / STD
            x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
            parts.append(self.session.run(None, {self.session.get_inputs()[0].name: x})[0])
        e = np.concatenate(parts) if parts else np.zeros((0, 128), np.float32)
        return e / np.linalg.norm(e, axis=1, keepdims=True)


class YuNet:
    """YuNet on images at their own size, padded on the right and at the bottom to multiples of 32."""

    def __init__(self, file: str = "yunet_n_dynamic.onnx", threads: int = 1, score: float = 0.5, nms: float = 0.3):
        self.session = session(paths.weights(file), threads)
        self.score, self.nms = score, nms

    def outputs(self, bgr: np.ndarray) -> list[np.ndarray]:
        """The raw outputs: cls, obj, bbox and kps, each for strides 8, 16 and 32."""
        h, w = bgr.shape[:2]
        padded = cv2.copyMakeBorder(bgr, 0, -h % 32, 0, -w % 32, cv2.BORDER_CONSTANT)
        x = np.ascontiguousarray(padded.astype(np.float32).transpose(2, 0, 1)[None])
        return self.session.run(None, {self.session.get_inputs()[0].name: x})

    def detect(self, bgr: np.ndarray) -> np.ndarray:
        """One row for each face, in descending order of score: x, y, width, height, five points (x, y), score."""
        outputs = self.outputs(bgr)
        rows = []
        for i, stride in enumerate((8, 16, 32)):
            columns = (bgr.shape[1] + -bgr.shape[1] % 32) // stride
            cls, obj = outputs[i][0, :, 0], outputs[3 + i][0, :, 0]
            score = np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1))
            keep = np.nonzero(score >= self.score)[0]
            grid = np.stack([keep % columns, keep // columns], 1).astype(np.float32)
            box, points = outputs[6 + i][0, keep], outputs[9 + i][0, keep].reshape(-1, 5, 2)
            centre, size = (grid + box[:, :2]) * stride, np.exp(box[:, 2:]) * stride
            points = ((grid[:, None] + points) * stride).reshape(-1, 10)
            rows.append(np.hstack([centre - size / 2, size, points, score[keep, None]]))
        faces = np.vstack(rows)
        return faces[suppress(faces, self.nms)]


def suppress(faces: np.ndarray, overlap: float) -> list[int]:
    """Greedy non-maximum suppression. Rows begin with x, y, width, height and end with the score. Returns the indices that
    remain."""
    order = list(np.argsort(-faces[:, -1], kind="stable"))
    left, top = faces[:, 0], faces[:, 1]
    right, bottom = left + faces[:, 2], top + faces[:, 3]
    area = faces[:, 2] * faces[:, 3]
    kept: list[int] = []
    for i in order:
        if kept:
            w = np.minimum(right[i], right[kept]) - np.maximum(left[i], left[kept])
            h = np.minimum(bottom[i], bottom[kept]) - np.maximum(top[i], top[kept])
            both = np.clip(w, 0, None) * np.clip(h, 0, None)
            if (both > overlap * (area[i] + area[kept] - both)).any():
                continue
        kept.append(i)
    return kept


def central_face(faces: np.ndarray, width: int, height: int) -> np.ndarray | None:
    """The face whose box is nearest to the center of the image. In LFW it is the person after whom the photo is named."""
    if not len(faces):
        return None
    centre = faces[:, :2] + faces[:, 2:4] / 2 - np.array([width / 2, height / 2])
    return faces[np.argmin((centre**2).sum(1))]
