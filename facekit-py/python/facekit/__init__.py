"""Face recognition: frames go in, people come out.

>>> import facekit
>>> recognizer = facekit.Recognizer(gallery=facekit.Gallery())
>>> report = recognizer.enroll("anna", ["anna.jpg"])
>>> for face in recognizer.recognize("door.jpg"):
...     print(face.person or face.outcome)
anna

- `Recognizer` finds faces, checks that they are good enough and live, embeds them and says whose they are.
- `Gallery` keeps who is known, in an encrypted file or in memory.
- `Index` searches vectors, wherever they come from.
- `facekit.attendance` makes days of what was seen: policies, decisions at the door, day records.
- `facekit.models` lists and fetches models; the set "nano" is part of the package.
- `facekit.errors` has the exceptions, all of them subclasses of `FacekitError`.

Outcomes are results, not errors: no face, a stranger, a print held before the camera and a photo that will not do.
"""

from facekit import attendance, errors, models
from facekit._facekit import (
    Box,
    Candidate,
    CheckReport,
    Detection,
    Embedding,
    EmbeddingSpace,
    EnrollReport,
    Gallery,
    HeadPose,
    Identity,
    Index,
    ModelInfo,
    Person,
    Quality,
    QualityIssue,
    RecognizeMany,
    Recognition,
    Recognizer,
    RefusedPhoto,
    Resemblance,
    SetInfo,
    Verification,
    __version__,
)
from facekit._faces import Drawing, Faces
from facekit.errors import FacekitError

__all__ = [
    "Box",
    "Candidate",
    "CheckReport",
    "Detection",
    "Drawing",
    "Embedding",
    "EmbeddingSpace",
    "EnrollReport",
    "FacekitError",
    "Faces",
    "Gallery",
    "HeadPose",
    "Identity",
    "Index",
    "ModelInfo",
    "Person",
    "Quality",
    "QualityIssue",
    "RecognizeMany",
    "Recognition",
    "Recognizer",
    "RefusedPhoto",
    "Resemblance",
    "SetInfo",
    "Verification",
    "__version__",
    "attendance",
    "errors",
    "models",
]
