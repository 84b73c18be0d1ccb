"""A pipeline of OpenCV and ONNX Runtime on the same photos, as one would write it in Python without facekit.

Weights, detection size and thresholds are those of facekit. `cv2.dnn.blobFromImage`, which is compiled, makes the tensors, and
the decoding of the detector's outputs is vectorized.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from protocol import serve

SCORE, OVERLAP = 0.6, 0.3
STRIDES = (8, 16, 32)
# The positions of eyes, nose and corners of the mouth that an embedder of 112 x 112 pixels expects.
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
MEAN = np.array([0.485, 0.456, 0.406]) * 255
STD = np.array([0.229, 0.224, 0.225], np.float32) * 255
LIVENESS = (("minifasnet_v2.onnx", 2.7), ("minifasnet_v1se.onnx", 4.0))


class Network:
    def __init__(self, file, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def __call__(self, tensor):
        return self.session.run(None, {self.input: tensor})


class OrtDetector:
    """YuNet on ONNX Runtime."""

    def __init__(self, models, threads):
        self.network = Network(models / "yunet_n_dynamic.onnx", threads)
        self.cells = {}

    def grid(self, columns, rows):
        if (columns, rows) not in self.cells:
            across, down = np.meshgrid(np.arange(columns), np.arange(rows))
            self.cells[columns, rows] = np.stack([across.ravel(), down.ravel()], 1).astype(np.float32)
        return self.cells[columns, rows]

    def __call__(self, image):
        height, width = image.shape[:2]
        bottom, right = -height % 32, -width % 32
        if bottom or right:
            image = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_CONSTANT)
        outputs = self.network(cv2.dnn.blobFromImage(image))
        found = []
        for level, stride in enumerate(STRIDES):
            classes, objects, boxes, points = (outputs[kind * 3 + level][0] for kind in range(4))
            scores = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
            (keep,) = np.nonzero(scores >= SCORE)
            if not len(keep):
                continue
            cells = self.grid((width + right) // stride, (height + bottom) // stride)[keep]
            sizes = np.exp(boxes[keep, 2:]) * stride
            corners = (cells + boxes[keep, :2]) * stride - sizes / 2
            places = (np.tile(cells, 5) + points[keep]) * stride
            found.append(np.hstack([corners, sizes, places, scores[keep, None]]))
        if not found:
            return np.empty((0, 15), np.float32)
        found = np.vstack(found)
        return found[np.ravel(cv2.dnn.NMSBoxes(found[:, :4].tolist(), found[:, 14].tolist(), SCORE, OVERLAP))]


class OpenCvDetector:
    """OpenCV's own YuNet."""

    def __init__(self, models, threads):
        model = str(models / "yunet_n_dynamic.onnx")
        self.detector = cv2.FaceDetectorYN.create(model, "", (320, 320), SCORE, OVERLAP, 5000)

    def __call__(self, image):
        self.detector.setInputSize((image.shape[1], image.shape[0]))
        found = self.detector.detect(image)[1]
        return np.empty((0, 15), np.float32) if found is None else found


def similarity(points):
    """The least-squares similarity from `points` to the template. Points are treated as complex numbers."""
    source, target = (p[:, 0] + 1j * p[:, 1] for p in (points, TEMPLATE))
    source_mean, target_mean = source.mean(), target.mean()
    source = source - source_mean
    turn = np.vdot(source, target - target_mean) / np.vdot(source, source)
    shift = target_mean - turn * source_mean
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def surroundings(width, height, box, context):
    """The box enlarged around its center. At the edges of the image it is shifted, not cut."""
    x, y, w, h = (float(number) for number in box)
    scale = min(context, (width - 1) / w, (height - 1) / h)
    left = max(0.0, min(x + w / 2 - w * scale / 2, width - 1 - w * scale))
    top = max(0.0, min(y + h / 2 - h * scale / 2, height - 1 - h * scale))
    right, bottom = min(left + w * scale, width - 1), min(top + h * scale, height - 1)
    return slice(int(top), int(bottom) + 1), slice(int(left), int(right) + 1)


class Pipeline:
    def __init__(self, models, detector, threads, max_side):
        cv2.setNumThreads(threads)
        self.detector = {"ort": OrtDetector, "opencv": OpenCvDetector}[detector](models, threads)
        self.liveness = [(Network(models / file, threads), context) for file, context in LIVENESS]
        self.embedder = Network(models / "mobilefacenet.onnx", threads)
        self.max_side = max_side

    def run(self, path, stages):
        """Decodes a photo, which is a path or the bytes of a file, and finds the faces with their liveness and embeddings."""
        now = time.perf_counter

        def lap(stage):
            nonlocal begun
            stages[stage] += 1e3 * (now() - begun)
            begun = now()

        begun = now()
        image = cv2.imread(path) if isinstance(path, str) else cv2.imdecode(np.frombuffer(path, np.uint8), cv2.IMREAD_COLOR)
        lap("decode")
        height, width = image.shape[:2]
        scale = min(1.0, self.max_side / max(width, height))
        small = image if scale == 1 else cv2.resize(image, (round(width * scale), round(height * scale)))
        faces = self.detector(small).astype(np.float64)
        faces[:, 0:14:2] *= width / small.shape[1]
        faces[:, 1:14:2] *= height / small.shape[0]
        lap("detect")
        if not len(faces):
            return faces, [], []
        # The networks accept one face at a time.
        live, embeddings = [], []
        for face in faces:
            scores = []
            for network, context in self.liveness:
                crop = image[surroundings(width, height, face[:4], context)]
                (logits,) = network(cv2.dnn.blobFromImage(crop, size=(80, 80)))[0]
                powers = np.exp(logits - logits.max())
                scores.append(powers[1] / powers.sum())
            live.append(sum(scores) / len(scores))
            lap("liveness")
            crop = cv2.warpAffine(image, similarity(face[4:14].reshape(5, 2)), (112, 112))
            lap("align")
            tensor = cv2.dnn.blobFromImage(crop, mean=MEAN, swapRB=True)
            tensor /= STD[:, None, None]
            (embedding,) = self.embedder(tensor)[0]
            embeddings.append(embedding / np.linalg.norm(embedding))
            lap("embed")
        return faces, live, embeddings


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=Path)
    parser.add_argument("--photos", type=Path, help="a file with a path on each line")
    parser.add_argument("--detector", choices=["ort", "opencv"], default="ort")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--max-side", type=int, default=640)
    args = parser.parse_args()
    photos = args.photos.read_text().splitlines()
    pipeline = Pipeline(args.models, args.detector, args.threads, args.max_side)

    def go():
        stages = dict.fromkeys(("decode", "detect", "align", "liveness", "embed"), 0.0)
        begun = time.perf_counter()
        faces = sum(len(pipeline.run(path, stages)[0]) for path in photos)
        return {"wall_ms": 1e3 * (time.perf_counter() - begun), "faces": faces, "stages_ms": stages}

    def found():
        stages = dict.fromkeys(("decode", "detect", "align", "liveness", "embed"), 0.0)
        answers = []
        for path in photos:
            faces, live, embeddings = pipeline.run(path, stages)
            answers.append(
                [
                    {"box": faces[at, :4].tolist(), "live": float(live[at]), "embedding": embeddings[at].tolist()}
                    for at in range(len(faces))
                ]
            )
        return answers

    serve({"go": go, "faces": found})


if __name__ == "__main__":
    main()
