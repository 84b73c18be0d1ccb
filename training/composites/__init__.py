"""People who do not exist, for demos and tests: blends of faces of Labeled Faces in the Wild."""
