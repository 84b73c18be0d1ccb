"""Shows the names of people in front of a camera: python webcam.py PEOPLE [--camera 0]

PEOPLE is a folder with a folder of photos for each person. Needs `pip install facekit opencv-python`. The key q
ends the program."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2

import facekit

COLORS = {"known": (80, 152, 26), "unknown": (180, 117, 69), "spoof": (39, 48, 215), "poor_quality": (135, 135, 135)}


def enroll(recognizer: facekit.Recognizer, people: Path) -> None:
    for folder in sorted(path for path in people.iterdir() if path.is_dir()):
        photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
        report = recognizer.enroll(folder.name, photos) if photos else None
        print(f"{folder.name}: {len(report.accepted) if report else 0} of {len(photos)} photos")


def frames(camera: cv2.VideoCapture):
    """The frames of a camera. Each is a new array, because facekit reads several of them at the same time."""
    while True:
        available, frame = camera.read()
        if not available:
            return
        yield frame


def draw(frame, faces: facekit.Faces) -> None:
    for face in faces:
        left, top, right, bottom = (round(edge) for edge in face.box.xyxy)
        cv2.rectangle(frame, (left, top), (right, bottom), COLORS[face.outcome], 2)
        text = face.name or face.person or face.outcome.replace("_", " ")
        cv2.putText(frame, text, (left, top - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.6, COLORS[face.outcome], 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=Path)
    parser.add_argument("--camera", type=int, default=0)
    args = parser.parse_args()
    recognizer = facekit.Recognizer(gallery=facekit.Gallery())
    enroll(recognizer, args.people)
    camera = cv2.VideoCapture(args.camera)
    shown = []

    def remembered():
        for frame in frames(camera):
            shown.append(frame)
            yield frame

    with recognizer.recognize_many(remembered(), color="bgr") as results:
        for faces in results:
            frame = shown.pop(0)
            draw(frame, faces)
            cv2.imshow("facekit", frame)
            if cv2.waitKey(1) == ord("q"):
                break


if __name__ == "__main__":
    main()
