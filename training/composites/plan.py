"""The people of the demo, and the times at which they pass the camera."""

#: The numbers of candidates (see `choose.py`) by name: candidates within the limits that look most like portraits. These people
#: are enrolled.
PEOPLE: dict[str, int] = {
    "Ari": 131, "Bela": 96, "Chi": 133, "Dana": 227, "Eden": 226, "Fern": 235,
    "Gale": 173, "Hollis": 123, "Indra": 196, "Jules": 101, "Kim": 245, "Lane": 204,
}  # fmt: skip
#: People who are never enrolled.
STRANGERS: dict[str, int] = {"stranger 1": 110, "stranger 2": 90, "stranger 3": 27}
PHOTOS = 6

#: Frames of a camera at an entrance on a Monday: the time, and the people from left to right. Lane is ill and absent.
FRAMES: list[tuple[str, list[str]]] = [
    ("2026-03-02T07-56-12", ["Ari"]),
    ("2026-03-02T08-21-40", ["Bela", "Chi"]),
    ("2026-03-02T08-30-00", []),
    ("2026-03-02T08-43-05", ["Dana", "stranger 1", "Eden"]),
    ("2026-03-02T08-57-31", ["Fern", "Gale", "Hollis"]),
    ("2026-03-02T09-14-22", ["Indra", "Jules"]),
    ("2026-03-02T10-05-48", ["stranger 2"]),
    ("2026-03-02T12-01-17", ["Jules", "Ari", "Chi", "Gale", "Eden"]),
    ("2026-03-02T12-58-50", ["Chi", "Kim", "Ari", "Eden"]),
    ("2026-03-02T15-32-09", ["Hollis", "stranger 3", "stranger 2"]),
    ("2026-03-02T17-03-44", ["Indra", "Bela", "Fern", "Dana"]),
    ("2026-03-02T17-34-26", ["Gale", "Kim", "stranger 1", "Jules", "Ari"]),
    ("2026-03-02T18-06-03", ["Eden", "Chi"]),
    ("2026-03-02T19-00-00", []),
]
