"""The liveness network: dense 3 × 3 convolutions with ReLU, which every runtime computes at full speed."""

import torch
from torch import nn
from torch.nn.functional import avg_pool2d

#: The divisor of pixel values. It is folded into the exported weights.
SCALE = 128.0


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Two convolutions with a skip connection."""

    def __init__(self, channels: int):
        super().__init__()
        self.first, self.second = conv(channels, channels), conv(channels, channels)
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x):
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class LivenessNet(nn.Module):
    """From (n, 3, 80, 80), BGR, 0 to 255, to 3 logits. The second one is for a living face."""

    def __init__(self):
        super().__init__()
        # 20 × 20 places, then 10 × 10, then 5 × 5, as in the teacher.
        self.fine = nn.Sequential(
            conv(3, 32, 2), nn.ReLU(), conv(32, 32), nn.ReLU(),
            conv(32, 48, 2), nn.ReLU(), Block(48), Block(48),
        )  # fmt: skip
        self.middle = nn.Sequential(conv(48, 96, 2), nn.ReLU(), Block(96), Block(96))
        self.coarse = nn.Sequential(conv(96, 96, 2), nn.ReLU(), Block(96))
        # One weight for each place, because the edges of paper and devices are around the face.
        self.places = nn.Sequential(nn.Conv2d(96, 96, 5, groups=96, bias=False), nn.BatchNorm2d(96), nn.ReLU())
        self.head = nn.Conv2d(96, 3, 1)
        #: Layers to the channels of the teacher's maps.
        self.hints = nn.ModuleDict({
            "fine": nn.Conv2d(48, 64, 1), "middle": nn.Conv2d(96, 128, 1), "coarse": nn.Conv2d(96, 128, 1),
            "features": nn.Conv2d(96, 128, 1),
        })  # fmt: skip
        self.scale = 1 / SCALE

    def forward(self, x):
        return self.head(self.places(self.coarse(self.middle(self.fine(x * self.scale if self.scale != 1 else x))))).flatten(1)

    def with_hints(self, x):
        """The logits, and predictions of the teacher's maps by name, for training."""
        maps = {"fine": self.fine(x * self.scale)}
        maps["middle"] = self.middle(maps["fine"])
        maps["coarse"] = self.coarse(maps["middle"])
        maps["features"] = self.places(maps["coarse"])
        logits = self.head(maps["features"]).flatten(1)
        guesses = {name: self.hints[name](avg_pool2d(x, 2) if x.shape[-1] > 5 else x) for name, x in maps.items()}
        return logits, guesses | {"features": guesses["features"].flatten(1)}

    @torch.no_grad()
    def fold_scale(self) -> "LivenessNet":
        """The same network without the division. The square root of the factor goes into the first and into the second
        convolution, which is possible with a ReLU between them. If the first took all of it, its weights would be too small for
        the precision of float16."""
        (first, norm), second = self.fine[0], self.fine[2][0]
        half = self.scale**-0.5
        first.weight.mul_(self.scale * half)
        norm.running_mean.mul_(half)
        norm.bias.mul_(half)
        second.weight.div_(half)
        self.scale = 1
        return self
