"""facekit's Python package on the same photos.

`go` passes photos as files, to `recognize` one after the other, or to `recognize_many` on as many threads as there are jobs.
`frames` passes photos as NumPy arrays that are already decoded, one after the other. Of five calls for each photo, the shortest
counts: it is the least affected by other programs.
"""

import argparse
import time
from pathlib import Path

import facekit

from protocol import serve


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=Path)
    parser.add_argument("--selection", default="standard")
    parser.add_argument("--runtime", default="ort")
    parser.add_argument("--photos", type=Path, help="a file with a path on each line")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--max-side", type=int, default=640)
    args = parser.parse_args()
    photos = args.photos.read_text().splitlines()
    # Every face is checked and embedded, whatever its quality, because the peers do so, too.
    recognizer = facekit.Recognizer(
        args.selection,
        models_folder=args.models,
        runtime=args.runtime,
        threads=args.jobs,
        detector_score=0.6,
        detector_overlap=0.3,
        max_side=args.max_side,
        quality="anything",
        liveness_threshold=0.0,
    )

    def timed(results):
        begun = time.perf_counter()
        faces = sum(len(found) for found in results)
        wall = 1e3 * (time.perf_counter() - begun)
        return {"wall_ms": wall, "faces": faces, "stages_ms": {}}

    def go():
        if args.jobs == 1:
            return timed(map(recognizer.recognize, photos))
        return timed(recognizer.recognize_many(photos))

    def frames():
        import cv2

        wall, faces = 0.0, 0
        for photo in photos:
            frame = cv2.imread(photo)[..., ::-1].copy()
            least = float("inf")
            for _ in range(5):
                begun = time.perf_counter()
                found = recognizer.recognize(frame)
                least = min(least, time.perf_counter() - begun)
            wall += 1e3 * least
            faces += len(found)
        return {"wall_ms": wall, "faces": faces, "stages_ms": {}}

    def found():
        return [
            [
                {"box": list(face.box), "live": face.liveness, "embedding": face.embedding.values.tolist()}
                for face in recognizer.recognize(photo)
            ]
            for photo in photos
        ]

    serve({"go": go, "frames": frames, "faces": found})


if __name__ == "__main__":
    main()
