"""The library of the installed package `onnxruntime`."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import Optional

from facekit.errors import LibraryUnavailableError

OLDEST = (1, 24)
"""The oldest version that facekit can use."""


def library() -> Optional[Path]:
    """The path of the library, without an import of the package. None if the package is not installed or ORT_DYLIB_PATH is set.

    Raises LibraryUnavailableError if the package is too old.
    """
    if os.environ.get("ORT_DYLIB_PATH"):
        return None
    package = importlib.util.find_spec("onnxruntime")
    for folder in (package.submodule_search_locations or []) if package else []:
        for file in sorted(Path(folder, "capi").glob("*onnxruntime.*")):
            if file.name == "onnxruntime.dll" or file.name.startswith("libonnxruntime."):
                _refuse_old(Path(folder))
                return file
    return None


def _refuse_old(package: Path) -> None:
    init = package / "__init__.py"
    text = init.read_text(encoding="utf-8", errors="replace") if init.exists() else ""
    found = re.search(r"^__version__ = [\"']((\d+)\.(\d+)[^\"']*)", text, re.MULTILINE)
    # If the package has no version, facekit-ort checks the library itself.
    if not found or (int(found[2]), int(found[3])) >= OLDEST:
        return
    needed = ".".join(map(str, OLDEST))
    reason = f"version {found[1]} is installed in {package}, {needed} or newer needed; "
    if sys.version_info < (3, 11):
        reason += f"that version needs Python 3.11 or newer, and this is {sys.version_info.major}.{sys.version_info.minor}"
    else:
        reason += f'pip install "onnxruntime>={needed}"'
    raise LibraryUnavailableError(f"onnxruntime: {reason}", library="ONNX Runtime")
