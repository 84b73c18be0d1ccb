"""`Faces`, the faces of an image, and their drawings for notebooks."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from typing import Any, Generic, Optional, SupportsIndex, TypeVar, Union, overload

from facekit._facekit import Detection, Recognition, _encode_jpeg

Face = Union[Detection, Recognition]
T = TypeVar("T", bound=Face)

_COLORS = {
    "known": "#1a9850",
    "unknown": "#4575b4",
    "spoof": "#d73027",
    "tight_crop": "#d73027",
    "poor_quality": "#878787",
}


class Faces(tuple[T, ...], Generic[T]):
    """The faces of an image: a tuple with the image's size in pixels. Notebooks show it as a drawing.

    `reduction` says how finely the image was searched. `photo_reduction` and `missing` say what the image lacks of its photo.

    A slice has the size of the same image. Two `Faces` are equal if faces and sizes are equal. `Faces` and a plain tuple are equal if
    the faces are equal.

    >>> from facekit import Faces
    >>> Faces([], 640, 480)
    Faces([], width=640, height=480)
    """

    def __new__(
        cls,
        faces: Iterable[T],
        width: int,
        height: int,
        reduction: float = 1.0,
        photo_reduction: float = 1.0,
        missing: float = 0.0,
    ) -> Faces[T]:
        self = super().__new__(cls, faces)
        self.__dict__.update(
            _width=width, _height=height, _reduction=reduction, _photo_reduction=photo_reduction, _missing=missing
        )
        return self

    @property
    def width(self) -> int:
        """The width of the image in pixels."""
        width: int = self.__dict__["_width"]
        return width

    @property
    def height(self) -> int:
        """The height of the image in pixels."""
        height: int = self.__dict__["_height"]
        return height

    @property
    def reduction(self) -> float:
        """The reduction of the finest search over the whole image, at least 1. With 6, the image was searched at a sixth of its size,
        and faces of less than about 120 pixels may be missing.
        """
        reduction: float = self.__dict__["_reduction"]
        return reduction

    @property
    def photo_reduction(self) -> float:
        """The width of the photo divided by that of the image. It is more than 1 if a JPEG was too large for `image_memory`."""
        photo_reduction: float = self.__dict__["_photo_reduction"]
        return photo_reduction

    @property
    def missing(self) -> float:
        """The share of the photo that is missing, 0 to 1, because the end of its file is."""
        missing: float = self.__dict__["_missing"]
        return missing

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: faces are frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name}: faces are frozen")

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> T: ...
    @overload
    def __getitem__(self, key: slice, /) -> Faces[T]: ...
    def __getitem__(self, key: Union[SupportsIndex, slice], /) -> Union[T, Faces[T]]:
        if isinstance(key, slice):
            return Faces(super().__getitem__(key), *self.__getnewargs__()[1:])
        return super().__getitem__(key)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Faces) and (self.width, self.height) != (other.width, other.height):
            return False
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def __getnewargs__(self) -> tuple[list[T], int, int, float, float, float]:
        return list(self), self.width, self.height, self.reduction, self.photo_reduction, self.missing

    def __repr__(self) -> str:
        return f"Faces({list(self)!r}, width={self.width}, height={self.height})"

    @property
    def largest(self) -> Optional[T]:
        """The face with the largest box. None if there is no face."""
        return max(self, key=lambda face: face.box.area, default=None)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Each face as Python's own types, with the keys of `facekit --json`.

        >>> import facekit
        >>> [sorted(face) for face in facekit.Recognizer().detect("anna.jpg").to_dicts()]
        [['box', 'landmarks', 'score']]
        """
        return [face.to_dict() for face in self]

    def draw(self, image: Any, *, color: str = "rgb", max_side: int = 960) -> Drawing:
        """The faces drawn on their image, for a notebook. For `image` and `color`, see `Recognizer.recognize`. The drawing's longer
        side has at most `max_side` pixels.

        Raises ValueError if the image has another size.

        >>> import facekit
        >>> drawing = facekit.Recognizer().recognize("anna.jpg").draw("anna.jpg")
        >>> drawing.html[:4]
        '<svg'
        """
        return Drawing(self, image, color, max_side)

    def _repr_html_(self) -> str:
        return picture(self, self.width, self.height, None) + table(self)


class Drawing:
    """Faces drawn on their image, by `Faces.draw`. Notebooks show `html`, which needs no other file.

    >>> import facekit
    >>> "<table>" in facekit.Recognizer().detect("anna.jpg").draw("anna.jpg").html
    True
    """

    def __init__(self, faces: Faces[Any], image: Any, color: str = "rgb", max_side: int = 960) -> None:
        jpeg, width, height = _encode_jpeg(image, color, max_side)
        if (width, height) != (faces.width, faces.height):
            raise ValueError(
                f"image: {width} x {height} pixels given, {faces.width} x {faces.height} needed, the size of the faces' image"
            )
        data = base64.b64encode(jpeg).decode()
        self.html = picture(faces, width, height, f"data:image/jpeg;base64,{data}") + table(faces)

    def _repr_html_(self) -> str:
        return self.html


def _label(face: Face) -> tuple[str, str]:
    """The label of a face, and the name of its color."""
    if isinstance(face, Detection):
        return f"{face.score:.2f}", "unknown"
    return face.name or face.person or face.outcome.replace("_", " "), face.outcome


def picture(faces: Iterable[Face], width: int, height: int, background: Optional[str]) -> str:
    """Boxes, landmarks and labels as an SVG image, over the photo if `background` has its URL."""
    unit = max(width, height) / 400
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'style="max-width:640px;width:100%;background:#eee" role="img" aria-label="faces">'
    ]
    if background:
        parts.append(f'<image href="{background}" width="{width}" height="{height}"/>')
    for face in faces:
        text, outcome = _label(face)
        x, y, w, h = face.box
        color = _COLORS[outcome]
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="none" stroke="{color}" '
            f'stroke-width="{2 * unit:.2f}"/>'
        )
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{1.5 * unit:.2f}" fill="{color}"/>' for px, py in face.landmarks]
        parts.append(
            f'<text x="{x:.1f}" y="{max(y - 3 * unit, 12 * unit):.1f}" font-family="sans-serif" font-size="{12 * unit:.1f}" '
            f'fill="{color}">{escape(text)}</text>'
        )
    parts.append("</svg>")
    return "".join(parts)


def table(faces: Iterable[Face]) -> str:
    """The faces as a table."""
    rows = []
    for face in faces:
        x, y, w, h = face.box
        cells = [f"{w:.0f} × {h:.0f} at ({x:.0f}, {y:.0f})", _label(face)[0]]
        if isinstance(face, Recognition):
            match = face.identity or face.nearest
            live = "" if face.liveness is None else f"{face.liveness:.2f}"
            cells += [
                f"{match.person}: {match.score:.3f}" if match else "",
                live,
                f"{face.quality.score:.2f}",
                "; ".join(str(issue) for issue in face.issues),
            ]
        else:
            cells += ["", "", "", ""]
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    if not rows:
        return "<p>no face</p>"
    head = "".join(f"<th>{name}</th>" for name in ("face", "who", "nearest", "liveness", "quality", "remarks"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
