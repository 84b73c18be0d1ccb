"""Trains the models of facekit-nano. README.md describes how to run it."""
