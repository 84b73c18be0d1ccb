"""A service of FastAPI around the pipeline of OpenCV and ONNX Runtime, as one would write it in Python.

It has a process for each core, and one thread of ONNX Runtime in each. `POST /frames` takes a JPEG, and answers with the faces and
the nearest of the people, whose embeddings are random.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import uvicorn
from fastapi import FastAPI, Request

from pipeline import Pipeline

PEOPLE = 12

app = FastAPI()
pipeline = None
gallery = None


def load():
    """The networks of this process, which are loaded with its first frame."""
    global pipeline, gallery
    if pipeline is None:
        pipeline = Pipeline(Path(os.environ["PEER_MODELS"]), "ort", 1, 640)
        vectors = np.random.default_rng(7).standard_normal((PEOPLE, 128)).astype(np.float32)
        gallery = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return pipeline


@app.post("/frames")
async def frames(request: Request):
    photo = await request.body()
    stages = dict.fromkeys(("decode", "detect", "align", "liveness", "embed"), 0.0)
    # A process has one core. Handing the photo to a thread would only add to the time.
    faces, live, embeddings = load().run(photo, stages)
    answers = []
    for at, embedding in enumerate(embeddings):
        scores = gallery @ embedding
        nearest = int(scores.argmax())
        answers.append(
            {
                "box": faces[at, :4].tolist(),
                "liveness": float(live[at]),
                "person": nearest if scores[nearest] >= 0.4 else None,
                "score": float(scores[nearest]),
            }
        )
    return {"faces": answers}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--processes", type=int, required=True)
    args = parser.parse_args()
    os.environ["PEER_MODELS"] = args.models
    uvicorn.run("service:app", port=args.port, workers=args.processes, log_level="warning")


if __name__ == "__main__":
    main()
