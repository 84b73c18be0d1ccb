"""Checks a released wheel: `check_wheel.py WHEEL VERSION`."""

import email
import sys
import zipfile

path, version = sys.argv[1:]
wheel = zipfile.ZipFile(path)
info = f"facekit-{version}.dist-info"
needed = ["METADATA", "licenses/LICENSE-APACHE", "licenses/LICENSE-MIT"]
needed = [f"{info}/{name}" for name in needed] + ["facekit/__init__.py", "facekit/py.typed"]
missing = sorted(set(needed) - set(wheel.namelist()))
if missing:
    sys.exit(f"{path} lacks {', '.join(missing)}")
metadata = email.message_from_bytes(wheel.read(f"{info}/METADATA"))
if metadata["Version"] != version:
    sys.exit(f"{path} has version {metadata['Version']}, not {version}")
if len(metadata.get_payload()) < 1000:
    sys.exit(f"{path} does not contain the README")
print(f"{path}: version {version}")
