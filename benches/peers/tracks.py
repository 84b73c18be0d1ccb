"""ByteTrack (uniface's implementation) on the detections of `facekit eval video --detections FILE`.

Usage: python tracks.py FILE

The figures are those of facekit's own report: IDF1, and switches of identity. A track is shown from its first frame on.
"""

import json
import sys
from collections import defaultdict
from itertools import groupby

import numpy as np
from scipy.optimize import linear_sum_assignment
from uniface.tracking import BYTETracker

# The least intersection over union of a found and a true box.
SAME = 0.3


def overlap(a, b):
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (a[2] * a[3] + b[2] * b[3] - both)


class Scores:
    """The same rules as the crate `scenes`."""

    def __init__(self):
        self.right = self.true_faces = self.found_faces = self.switches = self.tracks = 0

    def add_scene(self, frames):
        """Each frame has its true, its partly hidden and its found faces: left, top, width, height and number."""
        together, last, tracks = defaultdict(int), {}, set()
        for truth, partial, found in frames:
            counted = []
            for face in found:
                of_partial = max((overlap(face, other) for other in partial), default=0)
                of_truth = max((overlap(face, other) for other in truth), default=0)
                if of_partial < SAME or of_truth >= of_partial:
                    counted.append(face)
            self.true_faces += len(truth)
            self.found_faces += len(counted)
            tracks.update(face[4] for face in found)
            for person in truth:
                nearest = max(counted, key=lambda face: overlap(face, person), default=None)
                if nearest is None or overlap(nearest, person) < SAME:
                    continue
                together[person[4], nearest[4]] += 1
                if last.get(person[4], nearest[4]) != nearest[4]:
                    self.switches += 1
                last[person[4]] = nearest[4]
        self.tracks += len(tracks)
        people, ids = ({key[side] for key in together} for side in (0, 1))
        counts = np.array([[together.get((person, track), 0) for track in sorted(ids)] for person in sorted(people)])
        if counts.size:
            rows, columns = linear_sum_assignment(counts, maximize=True)
            self.right += counts[rows, columns].sum()

    def __str__(self):
        idf1 = 2 * self.right / max(1, self.true_faces + self.found_faces)
        return f"IDF1 {idf1:.3f}, {self.switches} switches in {self.tracks} tracks"


def followed(lines, fps):
    """The frames of a scene with the tracks of ByteTrack. The options are uniface's; lost tracks are kept for two seconds."""
    tracker = BYTETracker(track_buffer=round(2 * fps))
    tracker.reset()
    for line in lines:
        boxes = [(x, y, x + width, y + height, score) for x, y, width, height, score in line["detections"]]
        tracks = tracker.update(np.array(boxes, dtype=float).reshape(-1, 5))
        found = [(x, y, right - x, bottom - y, int(number)) for x, y, right, bottom, number in tracks]
        yield line["truth"], line["partial"], found


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    for fps, of_rate in groupby(lines, key=lambda line: line["fps"]):
        scores = Scores()
        for _, scene in groupby(of_rate, key=lambda line: line["scene"]):
            scores.add_scene(followed(scene, fps))
        print(f"ByteTrack at {fps:g} frames a second: {scores}")


main()
