"""The people of Labeled Faces in the Wild, and those who may be used for training."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import paths

#: Folds whose people are not used by a training with `people="split"`. One is for the calibration, the other for the report.
HELD_OUT = (4, 5)


@dataclass(frozen=True)
class Photo:
    person: str
    number: int

    @property
    def path(self) -> Path:
        return paths.lfw() / "images" / self.person / f"{self.person}_{self.number:04}.jpg"


@dataclass(frozen=True)
class Pair:
    first: Photo
    second: Photo
    fold: int

    @property
    def same(self) -> bool:
        return self.first.person == self.second.person


def read_pairs(text: str) -> list[Pair]:
    """Reads LFW's `pairs.txt`. The first line has the numbers of folds and of pairs. Each fold has that many pairs of one
    person, then that many pairs of two people."""
    lines = [line.split("\t") for line in text.splitlines() if line.strip()]
    folds, per_kind = int(lines[0][0]), int(lines[0][1])
    if len(lines) != 1 + 2 * folds * per_kind:
        raise ValueError(f"pairs.txt: {len(lines) - 1} pairs, not {2 * folds * per_kind}")
    pairs = []
    for i, row in enumerate(lines[1:]):
        if len(row) == 3:
            first, second = Photo(row[0], int(row[1])), Photo(row[0], int(row[2]))
        elif len(row) == 4:
            first, second = Photo(row[0], int(row[1])), Photo(row[2], int(row[3]))
        else:
            raise ValueError(f"pairs.txt: line {i + 2} has {len(row)} columns")
        pairs.append(Pair(first, second, 1 + i // (2 * per_kind)))
    return pairs


@cache
def pairs() -> tuple[Pair, ...]:
    return tuple(read_pairs((paths.lfw() / "pairs.txt").read_text()))


@cache
def photos() -> tuple[Photo, ...]:
    """Every photo, in a fixed order."""
    found = []
    for path in sorted((paths.lfw() / "images").glob("*/*.jpg")):
        person, number = path.stem.rsplit("_", 1)
        found.append(Photo(person, int(number)))
    if not found:
        raise SystemExit(f"{paths.lfw() / 'images'}: there are no photos (PERSON/PERSON_0001.jpg)")
    return tuple(found)


def people_of(folds: tuple[int, ...]) -> frozenset[str]:
    """The people in the pairs of these folds."""
    return frozenset(
        photo.person for pair in pairs() if pair.fold in folds for photo in (pair.first, pair.second)
    )


def training_photos(people: str) -> list[Photo]:
    """The photos for training: with "split" without the people of folds 4 and 5, with "rehearsal" also without those of fold 3,
    by which recipes are chosen, and with "all" those of everybody."""
    if people == "all":
        return list(photos())
    if people not in ("split", "rehearsal"):
        raise ValueError(f"people: {people!r} is not one of split, all, rehearsal")
    kept_out = people_of(HELD_OUT if people == "split" else (3, *HELD_OUT))
    return [photo for photo in photos() if photo.person not in kept_out]


def held_out_photos(folds: tuple[int, ...] = HELD_OUT) -> list[Photo]:
    """All photos of the people of these folds."""
    people = people_of(folds)
    return [photo for photo in photos() if photo.person in people]
