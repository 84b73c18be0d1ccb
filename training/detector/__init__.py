"""The detector: a small network of plain convolutions, taught by YuNet-n on scenes made of photos."""
