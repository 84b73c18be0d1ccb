"""Where the installed package `onnxruntime` keeps its library."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Optional


def library() -> Optional[Path]:
    """The library, without importing the package; None where it is not installed, or ORT_DYLIB_PATH names another."""
    if os.environ.get("ORT_DYLIB_PATH"):
        return None
    package = importlib.util.find_spec("onnxruntime")
    for folder in (package.submodule_search_locations or []) if package else []:
        for file in sorted(Path(folder, "capi").glob("*onnxruntime.*")):
            if file.name == "onnxruntime.dll" or file.name.startswith("libonnxruntime."):
                return file
    return None
