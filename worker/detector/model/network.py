"""FusionDetector: branches -> concatenated embeddings -> MLP head -> one logit (positive = fake).

Shapes: B images, C = 3, H x W pixels, D embedding width.
"""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn


class Branch(nn.Module):
    """Turns images_BCHW into embeddings_BD with D = `width`. One that `is_constant` looks at no image."""

    width: int
    is_constant = False

    @property
    def explained(self) -> tuple[nn.Module, ...]:
        """The layers in which a heatmap looks for what the branch saw where, in the order they run."""
        return ()

    def embed(self, images_BCHW: Tensor) -> Tensor:
        """What `forward` gives, but gradients pass to the images even through a frozen branch."""
        embeddings_BD: Tensor = self(images_BCHW)
        return embeddings_BD


class FusionDetector(nn.Module):
    """Concatenates what its branches see and scores it with a small head.

    `branches` are called in their order; `hidden` are the head's hidden widths. A detector with several branches that look at the
    image also carries `neutral_D`: the mean of its embeddings over training images, fakes and reals counting the same; zeros
    until training has measured it.
    """

    neutral_D: Tensor

    def __init__(self, branches: Mapping[str, Branch], hidden: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self.branches = nn.ModuleDict(branches)
        self.seeing = tuple(name for name, branch in branches.items() if not branch.is_constant)
        self._widths = [branch.width for branch in branches.values()]
        self.head = _head(sum(self._widths), hidden, dropout)
        if len(self.seeing) > 1:
            self.register_buffer("neutral_D", torch.zeros(sum(self._widths)))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """logits_B; `sigmoid` of a calibrated logit is the score."""
        return self.judge(self.embeddings(images_BCHW))

    def embeddings(self, images_BCHW: Tensor) -> Tensor:
        """embeddings_BD of all branches, side by side."""
        return torch.cat([branch(images_BCHW) for branch in self.branches.values()], dim=1)

    def judge(self, embeddings_BD: Tensor) -> Tensor:
        """logits_B of embeddings."""
        logits_B1: Tensor = self.head(embeddings_BD)
        return logits_B1.squeeze(1)

    @property
    def parts(self) -> dict[str, Branch]:
        """The branches by name, in their order."""
        return {name: cast("Branch", branch) for name, branch in self.branches.items()}

    @property
    def compared(self) -> tuple[str, ...]:
        """The branches that can be heard alone; none where there is only one, or where `neutral_D` was not measured."""
        return self.seeing if len(self.seeing) > 1 and bool(self.neutral_D.any()) else ()

    def alone(self, embeddings_BD: Tensor) -> Tensor:
        """logits_BN of each branch in `seeing` alone: the head's answer when all other branches say what they say on average.

        Replacing a part of the input by its mean over the data is mean ablation. The mean is taken and not zero, because the
        head never saw zero: the midpoint of reals and fakes is what speaks for neither.
        """
        said = torch.split(embeddings_BD, self._widths, dim=1)
        neutral = torch.split(self.neutral_D.expand_as(embeddings_BD), self._widths, dim=1)
        heard = []
        for number, name in enumerate(self.branches):
            if name in self.seeing:
                mixed = [*neutral[:number], said[number], *neutral[number + 1 :]]
                heard.append(self.judge(torch.cat(mixed, dim=1)))
        return torch.stack(heard, dim=1)


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
