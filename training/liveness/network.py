"""The liveness network: dense 3 × 3 convolutions with ReLU, which every runtime executes at full speed."""

import torch
from torch import nn

#: Pixel values are divided by this. It is folded into the exported weights.
SCALE = 128.0


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, channels: int):
        super().__init__()
        self.first, self.second = conv(channels, channels), conv(channels, channels)
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x):
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class LivenessNet(nn.Module):
    """(n, 3, 80, 80), BGR, 0 to 255, to 3 logits, of which the second stands for a living face."""

    def __init__(self, hints: int = 256):
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 32, 2), nn.ReLU(),
            conv(32, 32, 2), nn.ReLU(), Block(32), Block(32),
            conv(32, 64, 2), nn.ReLU(), Block(64),
            conv(64, 64, 2), nn.ReLU(), Block(64),
        )  # fmt: skip
        # A weight for each place, since edges of paper and devices lie around the face.
        self.places = nn.Sequential(nn.Conv2d(64, 64, 5, groups=64, bias=False), nn.BatchNorm2d(64), nn.ReLU())
        self.head = nn.Conv2d(64, 3, 1)
        self.hint = nn.Conv2d(64, hints, 1)
        self.scale = 1 / SCALE

    def features(self, x):
        return self.places(self.body(x * self.scale if self.scale != 1 else x))

    def forward(self, x):
        return self.head(self.features(x)).flatten(1)

    def with_hints(self, x):
        """The logits, and a guess at the teachers' features: for training."""
        features = self.features(x)
        return self.head(features).flatten(1), self.hint(features).flatten(1)

    @torch.no_grad()
    def fold_scale(self) -> "LivenessNet":
        """The same network without the division. Half of it goes into the second convolution, which a ReLU allows: float16
        would have few digits left for the first one's weights otherwise."""
        (first, norm), second = self.body[0], self.body[2][0]
        half = self.scale**-0.5
        first.weight.mul_(self.scale * half)
        norm.running_mean.mul_(half)
        norm.bias.mul_(half)
        second.weight.div_(half)
        self.scale = 1
        return self
