"""The embedder: a network of dense 3 × 3 convolutions, distilled from MobileFaceNet."""
