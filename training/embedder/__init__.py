"""Embeddings distilled from MobileFaceNet into a network of dense 3 × 3 convolutions."""
