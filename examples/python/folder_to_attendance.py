"""From folders of photos to an attendance sheet: python folder_to_attendance.py PEOPLE FRAMES [--policy POLICY.toml]

PEOPLE is a folder with a folder of photos for each person. FRAMES is a folder of photos from a camera. The name of a frame is its
time in the site's zone, such as `2026-03-02T08-59-30.jpg`; for other names, the file's modification time counts. The sheet is written
to attendance.csv, with one row for each person and day. Needs `pip install facekit`."""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from datetime import datetime, timezone
from pathlib import Path

import facekit
from facekit.attendance import Policy, Punch, columns

PHOTOS = (".jpg", ".jpeg", ".png", ".webp")


def photos(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTOS)


def taken(photo: Path, policy: Policy) -> datetime:
    try:
        return datetime.strptime(photo.stem[:19], "%Y-%m-%dT%H-%M-%S").replace(tzinfo=policy.zone)
    except ValueError:
        return datetime.fromtimestamp(photo.stat().st_mtime, timezone.utc)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=Path)
    parser.add_argument("frames", type=Path)
    parser.add_argument("--policy", type=Path)
    parser.add_argument("--models", help="models by name, such as standard")
    parser.add_argument("--no-liveness", action="store_true", help="accept prints and screens")
    parser.add_argument("--out", type=Path, default=Path("attendance.csv"))
    args = parser.parse_args()
    policy = Policy.from_file(args.policy) if args.policy else Policy({"preset": "esp32cam-gateway"})
    selection = [args.models] if args.models else []
    recognizer = facekit.Recognizer(*selection, gallery=facekit.Gallery(), liveness=not args.no_liveness)

    for folder in sorted(path for path in args.people.iterdir() if path.is_dir()):
        if not (portraits := photos(folder)):
            print(f"{folder.name}: no photos, not enrolled")
            continue
        report = recognizer.enroll(folder.name, portraits)
        print(f"{folder.name}: {len(report.accepted)} photos", *(f"({photo.photo}: {photo})" for photo in report.refused))

    frames = sorted(photos(args.frames), key=lambda photo: taken(photo, policy))
    punches: dict[str, list[Punch]] = defaultdict(list)
    for photo, faces in zip(frames, recognizer.recognize_many(frames, errors="return")):
        if isinstance(faces, Exception):
            print(f"{photo.name}: {faces}")
            continue
        for sighting in facekit.sightings(faces, taken(photo, policy), device=args.frames.name):
            punches[sighting.person].append(Punch.of(photo.name, sighting))

    days = []
    if frames:
        first, last = (taken(photo, policy).astimezone(policy.zone).date() for photo in (frames[0], frames[-1]))
        for person in sorted(punches):
            days += policy.evaluate(person, punches[person], first, last).days
    table = columns(days)
    with open(args.out, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values()))
    print(f"{args.out}: {len(days)} days of {len(punches)} people")


if __name__ == "__main__":
    main()
