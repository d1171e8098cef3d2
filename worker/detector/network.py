"""FusionDetector: branches -> concatenated embeddings -> MLP head -> one logit (positive = fake).

Shapes: B images, C = 3, H x W pixels, D embedding width.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Branch(nn.Module):
    """Turns images_BCHW into embeddings_BD with D = `width`."""

    width: int


class FusionDetector(nn.Module):
    """Concatenates what its branches see and scores it with a small head.

    `branches` are called in their order; `hidden` are the head's hidden widths.
    """

    def __init__(self, branches: Mapping[str, Branch], hidden: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self.branches = nn.ModuleDict(branches)
        self.head = _head(sum(branch.width for branch in branches.values()), hidden, dropout)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """logits_B; `sigmoid` of a calibrated logit is the score."""
        embeddings_BD = torch.cat([branch(images_BCHW) for branch in self.branches.values()], dim=1)
        logits_B1: Tensor = self.head(embeddings_BD)
        return logits_B1.squeeze(1)


def _head(width: int, hidden: tuple[int, ...], dropout: float) -> nn.Sequential:
    """Linear-ReLU-dropout per hidden width, then one logit; Kaiming initialisation (He et al. 2015), as published.

    Without hidden layers it is dropout and one linear layer, zero-initialised: it starts at logit 0 and disturbs no feature.
    """
    layers: list[nn.Module] = []
    for out in hidden:
        linear = nn.Linear(width, out)
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU(), nn.Dropout(dropout)]
        width = out
    last = nn.Linear(width, 1)
    if hidden:
        nn.init.kaiming_normal_(last.weight, nonlinearity="linear")
    else:
        layers.append(nn.Dropout(dropout))
        nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)
