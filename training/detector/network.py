"""The student: dense convolutions, with batch normalization during training, and the twelve outputs of YuNet."""

import torch
from torch import nn
from torch.nn import functional

from .cells import STRIDES


def convolution(inputs: int, outputs: int, stride: int = 1, side: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Pair(nn.Module):
    """Two convolutions with a skip connection."""

    def __init__(self, width: int, inner: int):
        super().__init__()
        self.first, self.second = convolution(width, inner), convolution(inner, width)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps + self.second(self.first(maps))


class Student(nn.Module):
    """From BGR images (batch, 3, height, width), 0 to 1, with sides that are multiples of 32, to one map for each stride.

    The channels of a map: the logit of the score; the center of the box and the logarithm of its size, in cells; five points,
    in cells.
    """

    CHANNELS = 15

    def __init__(self) -> None:
        super().__init__()
        self.to_8 = nn.Sequential(
            convolution(3, 16, 2), convolution(16, 32, 2), convolution(32, 48, 2), Pair(48, 32)
        )
        self.to_16 = nn.Sequential(convolution(48, 64, 2), Pair(64, 64))
        self.to_32 = nn.Sequential(convolution(64, 64, 2), Pair(64, 64))
        self.fuse_16 = convolution(64, 64)
        self.narrow_16 = nn.Conv2d(64, 48, 1)
        self.fuse_8 = convolution(48, 32)
        self.heads = nn.ModuleList([nn.Conv2d(width, self.CHANNELS, 1) for width in (32, 64, 64)])
        for head in self.heads:
            nn.init.normal_(head.weight, 0, 0.01)
            with torch.no_grad():
                head.bias.zero_()
                # Faces are rare, and about four to eight cells wide.
                head.bias[0] = -4.6
                head.bias[3:5] = 1.7

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        fine = self.to_8(images)
        middle = self.to_16(fine)
        coarse = self.to_32(middle)
        middle = self.fuse_16(middle + doubled(coarse))
        fine = self.fuse_8(fine + doubled(self.narrow_16(middle)))
        return [head(maps) for head, maps in zip(self.heads, (fine, middle, coarse), strict=True)]


def doubled(maps: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")


class Rows(torch.autograd.Function):
    """Maps as rows: from (batch, channels, height, width) to (batch, height · width, channels).

    In ONNX it becomes a transposition and a reshape with a constant target, for any batch and size.
    """

    @staticmethod
    def forward(ctx, maps, channels):
        return maps.permute(0, 2, 3, 1).reshape(maps.shape[0], -1, channels)

    @staticmethod
    def symbolic(g, maps, channels):
        sides = g.op("Constant", value_t=torch.tensor([0, -1, channels]))
        return g.op("Reshape", g.op("Transpose", maps, perm_i=[0, 2, 3, 1]), sides)


class YuNetOutputs(nn.Module):
    """A trained student with the outputs of YuNet: cls, obj, bbox and kps, each for all strides.

    The student has one score. It is the output for class and for objectness, so their geometric mean is the score.
    """

    NAMES = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES]

    def __init__(self, student: Student):
        super().__init__()
        self.student = folded(student)
        for i, head in enumerate(self.student.heads):
            both = nn.Conv2d(head.in_channels, head.out_channels + 1, 1)
            both.weight.data = torch.cat([head.weight[:1], head.weight]).detach()
            both.bias.data = torch.cat([head.bias[:1], head.bias]).detach()
            self.student.heads[i] = both

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        parts = [torch.split(Rows.apply(maps, Student.CHANNELS + 1), [1, 1, 4, 10], 2) for maps in self.student(images)]
        scores = [[torch.sigmoid(part[kind]) for part in parts] for kind in (0, 1)]
        return [*scores[0], *scores[1], *(part[2] for part in parts), *(part[3] for part in parts)]


def folded(student: Student) -> Student:
    """A copy without batch normalization, with weights rounded to float16, for pixels from 0 to 255."""
    copy = Student()
    copy.load_state_dict(student.state_dict())
    copy.eval()
    for module in list(copy.modules()):
        if isinstance(module, nn.Sequential) and len(module) == 3 and isinstance(module[1], nn.BatchNorm2d):
            module[0] = nn.utils.fusion.fuse_conv_bn_eval(module[0], module[1])
            module[1] = nn.Identity()
    copy.to_8[0][0].weight.data /= 255
    for module in copy.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data = module.weight.data.half().float()
    return copy
