"""python -m training.embedder.evaluate: compares the embedder with its teacher, on people who are not used by its training.

Labeled Faces in the Wild, folds 4 and 5: faces by YuNet at the photo's own size (score ≥ 0.5), the face nearest to the center
of the image, no mirroring. The threshold is chosen on one fold and the accuracy measured on the other, and vice versa. True
matches are counted at thresholds with given false-match rates over all pairs of photos of these people.
"""

from pathlib import Path

import numpy as np

from ..common import options, paths, people
from ..common.teacher import MobileFaceNet, session
from .faces import aligned, without_margin


class Student:
    """An exported embedder: from aligned RGB faces, uint8 (n, 112, 112, 3), to unit vectors."""

    def __init__(self, path: Path, threads: int):
        self.session = session(path, threads)

    def embed(self, faces: np.ndarray) -> np.ndarray:
        parts = []
        for i in range(0, len(faces), 64):
            x = (faces[i : i + 64].astype(np.float32) - 127.5) / 127.5
            x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
            parts.append(self.session.run(None, {self.session.get_inputs()[0].name: x})[0])
        e = np.concatenate(parts)
        return e / np.linalg.norm(e, axis=1, keepdims=True)


def best_threshold(scores: np.ndarray, same: np.ndarray) -> float:
    """The threshold at which most pairs are decided correctly, midway between two scores. Pairs without a score (NaN) are
    ignored."""
    known = ~np.isnan(scores)
    scores, same = scores[known], same[known]
    order = np.argsort(scores)
    scores, same = scores[order], same[order]
    # Cut i accepts scores[i:].
    right = np.concatenate([[0], np.cumsum(~same)]) + np.concatenate([np.cumsum(same[::-1])[::-1], [0]])
    edges = np.concatenate([[scores[0] - 1e-3], scores, [scores[-1] + 1e-3]])
    # There is no cut between equal scores.
    middle = (edges[:-1] + edges[1:]) / 2
    right = np.where(np.concatenate([[True], scores[1:] > scores[:-1], [True]]), right, -1)
    best = np.flatnonzero(right == right.max())
    return float(middle[best[len(best) // 2]])


def accuracy(scores: np.ndarray, same: np.ndarray, threshold: float) -> float:
    """The fraction of pairs that are decided correctly. A pair without a score (a face was not found) counts as wrong."""
    known = ~np.isnan(scores)
    return float((known & ((np.nan_to_num(scores, nan=0.0) >= threshold) == same)).mean())


def threshold_at(impostors: np.ndarray, rate: float) -> float:
    """The least threshold that at most this fraction of comparisons of different people reaches."""
    allowed = int(rate * len(impostors))
    ordered = np.sort(impostors)[::-1]
    return float(np.nextafter(ordered[allowed], np.float32(np.inf)))


def figures(embeddings: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """The figures for embeddings of `people.photos()`. `found` tells which photos have a face."""
    place = {photo: i for i, photo in enumerate(people.photos())}
    embeddings = np.where(found[:, None], embeddings, np.nan)
    result: dict[str, float] = {}
    folds = {}
    for fold in people.HELD_OUT:
        chosen = [pair for pair in people.pairs() if pair.fold == fold]
        first, second = (embeddings[[place[p] for p in side]] for side in zip(*((c.first, c.second) for c in chosen)))
        folds[fold] = (first * second).sum(1), np.array([pair.same for pair in chosen])
    a, b = people.HELD_OUT
    for calibrate, report in ((a, b), (b, a)):
        result[f"accuracy {report}"] = accuracy(*folds[report], best_threshold(*folds[calibrate]))
    result["accuracy"] = (result[f"accuracy {a}"] + result[f"accuracy {b}"]) / 2
    photos = [photo for photo in people.held_out_photos() if found[place[photo]]]
    e = embeddings[[place[photo] for photo in photos]].astype(np.float32)
    _, who = np.unique([photo.person for photo in photos], return_inverse=True)
    above = np.triu(np.ones((len(e), len(e)), bool), 1)
    scores, same = (e @ e.T)[above], (who[:, None] == who[None, :])[above]
    whose = np.broadcast_to(who[:, None], above.shape)[above][same]
    genuine, impostors = scores[same], scores[~same]
    result["genuine pairs"], result["impostor pairs"] = len(genuine), len(impostors)
    for rate in (1e-3, 1e-4):
        threshold = threshold_at(impostors, rate)
        result[f"score at {rate:g}"] = threshold
        result[f"true matches at {rate:g}"] = float((genuine >= threshold).mean())
        matched, all_ = np.bincount(whose, genuine >= threshold), np.bincount(whose)
        result[f"true matches at {rate:g}, people equal"] = float((matched[all_ > 0] / all_[all_ > 0]).mean())
    return result


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--model", type=Path, default=paths.ROOT / "facekit-nano" / "models" / "embedder.onnx")
    chosen = parser.parse_args()
    options.begin(chosen)
    faces, found = aligned(chosen.work)
    faces = without_margin(faces)
    wanted = set(people.held_out_photos())
    rows = np.array([photo in wanted for photo in people.photos()])
    tables, kept = {}, {}
    for name, network in (("student", Student(chosen.model, chosen.threads)), ("teacher", MobileFaceNet(chosen.threads))):
        embeddings = np.zeros((len(faces), 128), np.float32)
        embeddings[rows] = network.embed(faces[rows])
        tables[name], kept[name] = figures(embeddings, found), embeddings
    cosine = (kept["student"] * kept["teacher"]).sum(1)[rows & found].mean()
    print(f"{int((rows & ~found).sum())} of {int(rows.sum())} photos without a face; cosine to the teacher {cosine:.4f}\n")
    print("| figure | student | teacher |\n|-|-|-|")
    for figure in tables["student"]:
        print(f"| {figure} | " + " | ".join(f"{t[figure]:.4g}" for t in tables.values()) + " |")


if __name__ == "__main__":
    main()
