"""The detector: a small network of dense convolutions, distilled from YuNet-n on scenes composed of photos."""
