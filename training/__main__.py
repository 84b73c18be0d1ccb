"""python -m training: makes every model, one after the other. Options are handed to each."""

import subprocess
import sys

MODELS = ["training.detector", "training.embedder", "training.liveness"]

if __name__ == "__main__":
    if any(option.startswith("--output") for option in sys.argv[1:]):
        raise SystemExit("--output names one model's file: give it to python -m training.embedder and the others")
    for model in MODELS:
        subprocess.run([sys.executable, "-m", model, *sys.argv[1:]], check=True)
