"""The loss of a student."""

import torch
from torch.nn import functional

from .cells import Lesson


class Loss:
    """Compares score, box and points of a batch with the lesson, for images of one size."""

    #: Weights of the parts.
    BOX, POINTS = 2.0, 10.0

    def __init__(self, places: torch.Tensor, strides: torch.Tensor):
        self.places, self.strides = places, strides

    def __call__(self, maps: list[torch.Tensor], lesson: Lesson) -> tuple[torch.Tensor, dict[str, float]]:
        rows = torch.cat([m.flatten(2) for m in maps], 2).transpose(1, 2).float()
        taught = torch.as_tensor(lesson.score).to(rows.device)
        # A scene of a hundred faces counts as much as ten scenes of one face. Otherwise the student would learn small faces
        # only.
        faces = (taught * (taught > 0.3)).sum(1).clamp(min=10)
        share = 1 / faces.sqrt()
        score = (score_loss(rows[..., 0], taught).sum(1) * share).sum() / (faces * share).sum()

        parts = (lesson.image, lesson.cell, lesson.face)
        image, cell, face = (torch.as_tensor(part).to(rows.device) for part in parts)
        weight = taught[image, cell] * share[image]
        found = rows[image, cell]
        place, stride = self.places[cell], self.strides[cell]
        centre = (place + found[:, 1:3]) * stride
        size = found[:, 3:5].clamp(max=6).exp() * stride
        box = torch.cat([centre - size / 2, size], 1)
        side = face[:, 2:4].prod(1, keepdim=True).sqrt()
        points = (place.repeat(1, 5) + found[:, 5:]) * stride
        total = weight.sum().clamp(min=1e-3)
        boxes = (box_loss(box, face[:, :4]) * weight).sum() / total
        # The loss changes from quadratic to linear at a hundredth of the face.
        apart = functional.smooth_l1_loss(points / side, face[:, 4:] / side, reduction="none", beta=0.01).mean(1)
        points = (apart * weight).sum() / total
        loss = score + self.BOX * boxes + self.POINTS * points
        return loss, {"score": score.item(), "box": boxes.item(), "points": points.item()}


def score_loss(logits: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
    """Cross-entropy with a soft target, weighted by the error of the student (quality focal loss, Li et al. 2020), so that the
    many cells without a face do not outweigh the few with one. The weight is the root of the error instead of its square: so
    there is still a gradient if the teacher is unsure and the student is nearly right."""
    entropy = functional.binary_cross_entropy_with_logits(logits, taught, reduction="none")
    return entropy * (logits.sigmoid().detach() - taught).abs().sqrt()


def box_loss(found: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
    """One minus the generalized overlap (Rezatofighi et al. 2019), plus the distance of the edges, relative to the sides of the
    face."""
    low, high = found[:, :2], found[:, :2] + found[:, 2:]
    low_t, high_t = taught[:, :2], taught[:, :2] + taught[:, 2:]
    both = (torch.minimum(high, high_t) - torch.maximum(low, low_t)).clamp(min=0).prod(1)
    either = found[:, 2:].prod(1) + taught[:, 2:].prod(1) - both
    around = (torch.maximum(high, high_t) - torch.minimum(low, low_t)).prod(1)
    generalised = both / either - (around - either) / around
    edges = torch.cat([low - low_t, high - high_t], 1) / taught[:, 2:].repeat(1, 2)
    apart = functional.smooth_l1_loss(edges, torch.zeros_like(edges), reduction="none", beta=0.02)
    return 1 - generalised + apart.sum(1)
