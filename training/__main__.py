"""python -m training: trains all models, one after the other, with the same options."""

import subprocess
import sys

MODELS = ["training.detector", "training.embedder", "training.liveness"]

if __name__ == "__main__":
    if any(option.startswith("--output") for option in sys.argv[1:]):
        raise SystemExit("--output is the file of one model: use it with python -m training.embedder and the others")
    for model in MODELS:
        subprocess.run([sys.executable, "-m", model, *sys.argv[1:]], check=True)
