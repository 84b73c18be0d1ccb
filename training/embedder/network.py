"""The embedder: dense 3 × 3 convolutions with ReLU, which every runtime computes at full speed."""

import torch
from torch import nn

DIMENSION = 128
#: The channels of the teacher's last feature map, which the network learns to predict during training.
HINT = 128


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)
    )


class Block(nn.Module):
    """Two convolutions with a skip connection."""

    def __init__(self, channels: int):
        super().__init__()
        self.first, self.second = conv(channels, channels), conv(channels, channels)
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x):
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class Embedder(nn.Module):
    """From (n, 3, 112, 112), RGB, (value − 127.5) / 127.5, to (n, 128). Only the direction of the output has a meaning."""

    def __init__(self, widths=(32, 64, 128, 128), depths=(0, 1, 2, 0)):
        super().__init__()
        layers, inputs = [], 3
        for width, depth in zip(widths, depths, strict=True):
            layers += [conv(inputs, width, stride=2), nn.ReLU(), *(Block(width) for _ in range(depth))]
            inputs = width
        self.body = nn.Sequential(*layers)
        self.places = nn.Sequential(nn.Conv2d(inputs, inputs, 7, groups=inputs, bias=False), nn.BatchNorm2d(inputs))
        self.head = nn.Conv2d(inputs, DIMENSION, 1)
        self.hint = nn.Conv2d(inputs, HINT, 1)

    def forward(self, x):
        return self.head(self.places(self.body(x))).flatten(1)

    def with_hint(self, x):
        """The embedding and a prediction of the teacher's last feature map, for training. Faces may be smaller."""
        features = self.body(x)
        if features.shape[-1] != 7:
            features = nn.functional.interpolate(features, size=(7, 7), mode="bilinear")
        return self.head(self.places(features)).flatten(1), self.hint(features)


def scaled(faces: torch.Tensor, side: int = 112) -> torch.Tensor:
    """Faces, uint8 (n, 112, 112, 3), as the input of the network, scaled to `side` pixels."""
    x = faces.permute(0, 3, 1, 2).float().sub_(127.5).div_(127.5)
    if side != faces.shape[1]:
        x = nn.functional.interpolate(x, size=(side, side), mode="bilinear", antialias=True)
    return x.contiguous(memory_format=torch.channels_last)
