"""How the models of facekit-nano are made. README.md tells how to run it."""
