"""python -m training.liveness.evaluate: compares the model with the standard pair, on people who are not used by a training
with `--people split`, and on photos that no training uses.

At a score of 0.5, APCER is the fraction of attacks of a kind that are accepted as living faces, and BPCER the fraction of
living faces that are refused. Agreement is the fraction of faces for which the model and the pair decide in the same way.
"""

from pathlib import Path

import cv2
import numpy as np

from ..common import options, paths, people
from ..common.liveness import Networks
from ..common.teacher import YuNet, central_face
from . import attacks
from .data import CONTEXT

THRESHOLD = 0.5
#: The number of simulated pictures of each kind.
COUNT = 400
#: Different from the seeds of trainings.
SEED = 1_000_003


def find(detector: YuNet, image: np.ndarray, box: np.ndarray | None = None) -> np.ndarray | None:
    """The box of the face that is nearest to the expected place: `box`, or the middle of the image. None if there is none near
    it."""
    faces = detector.detect(image)
    if box is None:
        face = central_face(faces, image.shape[1], image.shape[0])
        return None if face is None else face[:4]
    if not len(faces):
        return None
    middles, middle = faces[:, :2] + faces[:, 2:4] / 2, box[:2] + box[2:] / 2
    away = np.linalg.norm(middles - middle, axis=1)
    return faces[away.argmin(), :4] if away.min() < box[2] / 2 else None


def simulated(detector: YuNet) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Pictures of the held-out people with their detected faces. If no face is found, another picture is made."""
    photos = people.held_out_photos()
    kinds: dict[str, list] = {}
    for number, kind in enumerate((attacks.LIVE, *attacks.KINDS)):
        random = np.random.default_rng([SEED, number])
        kinds[kind] = []
        while len(kinds[kind]) < COUNT:
            photo, room = (cv2.imread(str(photos[i].path)) for i in random.integers(len(photos), size=2))
            box = find(detector, photo)
            if box is None:
                continue
            view = attacks.View(photo, box)
            view = attacks.live(view, random) if kind == attacks.LIVE else attacks.attack(kind, view, room, random)
            box = find(detector, view.image, view.box)
            if box is not None:
                kinds[kind].append((view.image, box))
    return kinds


def rates(kind: str, live: bool, ours: np.ndarray, pair: np.ndarray) -> None:
    accepted, by_pair = ours >= THRESHOLD, pair >= THRESHOLD
    wrong, pair_wrong = (~accepted, ~by_pair) if live else (accepted, by_pair)
    print(
        f"{kind:<28} {len(ours):5} {'BPCER' if live else 'APCER'} {100 * wrong.mean():6.1f} % {100 * pair_wrong.mean():6.1f} %"
        f"   {100 * (accepted == by_pair).mean():6.1f} %  {np.abs(ours - pair).mean():.3f}"
    )


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--model", type=Path, default=None, help="facekit-nano/models/liveness.onnx by default")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    ours = Networks([(given.model or paths.shipped("liveness.onnx"), CONTEXT)], given.threads)
    pair = Networks.standard(given.threads)
    detector = YuNet(threads=given.threads)
    print(f"{'people of folds 4 and 5':<28} faces         {'model':>6}   {'pair':>6}    agreement  mean difference")
    raw = []
    for photo in people.held_out_photos():
        image = cv2.imread(str(photo.path))
        box = find(detector, image)
        if box is not None:
            raw.append((ours.live(image, box[None])[0], pair.live(image, box[None])[0]))
    rates("unchanged photos", True, *np.array(raw).T)
    for kind, pictures in simulated(detector).items():
        scores = [(ours.live(i, b[None])[0], pair.live(i, b[None])[0]) for i, b in pictures]
        rates(kind if kind != attacks.LIVE else "photos by other cameras", kind == attacks.LIVE, *np.array(scores).T)
    print("\nphotos that no training uses: score of the model and of the pair")
    for path in sorted((paths.test_data() / "data" / "photos").iterdir()):
        image = cv2.imread(str(path))
        if image is None:
            continue
        faces = YuNet(threads=given.threads, score=0.6).detect(image)
        for face in faces:
            a, b = ours.live(image, face[None, :4])[0], pair.live(image, face[None, :4])[0]
            print(f"{path.name:<16} face at {face[0]:5.0f}, {face[1]:5.0f}: {a:.3f}  {b:.3f}")


if __name__ == "__main__":
    main()
