"""Synthetic people for demos and tests: blends of faces of Labeled Faces in the Wild."""
