"""python -m training: makes every model, one after the other. Options are handed to each."""

import subprocess
import sys

MODELS = ["training.detector", "training.embedder", "training.liveness"]

if __name__ == "__main__":
    for model in MODELS:
        subprocess.run([sys.executable, "-m", model, *sys.argv[1:]], check=True)
