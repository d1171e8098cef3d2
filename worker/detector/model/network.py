"""FusionDetector: branches -> concatenated embeddings -> MLP head -> one logit (positive = fake).

Shapes: B images, C = 3, H x W pixels, D embedding width.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from .branch import Branch
from .branch_input import BranchInput
from .heads import LateHead, mlp
from .recipes import Fusion


class FusionDetector(nn.Module):
    """Concatenates what its branches see and scores it with a small head.

    `branches` are called in their order, those in `inputs` on the input as they want it; `hidden` are the head's hidden widths.
    `fusion` is described in `Recipe`. `whole` are the branches that a second head sees: it scores pictures as a whole, the first
    one faces. A detector with several branches that look at the image also carries `neutral_D`: the mean of its embeddings over
    training images, fakes and reals counting the same; zeros until training has measured it.
    """

    neutral_D: Tensor

    def __init__(
        self,
        branches: Mapping[str, Branch],
        hidden: tuple[int, ...],
        dropout: float,
        *,
        batch_norm: bool = False,
        fusion: Fusion = "concatenated",
        whole: Sequence[str] = (),
        inputs: Mapping[str, BranchInput] | None = None,
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleDict(branches)
        self.inputs = nn.ModuleDict(inputs or {})
        self.seeing = tuple(name for name, branch in branches.items() if not branch.is_constant)
        self._widths = [branch.width for branch in branches.values()]
        if fusion == "concatenated":
            self.head: nn.Module = mlp(sum(self._widths), hidden, dropout, batch_norm=batch_norm)
        else:
            is_seeing = [name in self.seeing for name in branches]
            self.head = LateHead(self._widths, is_seeing, hidden, dropout, gated=fusion == "gated")
        self.whole = tuple(whole)
        self._whole = [name in whole for name in branches]
        seen_whole = sum(width for width, is_seen in zip(self._widths, self._whole, strict=True) if is_seen)
        self.whole_head = mlp(seen_whole, (), dropout) if whole else None
        if len(self.seeing) > 1:
            self.register_buffer("neutral_D", torch.zeros(sum(self._widths)))

    def forward(self, images_BCHW: Tensor, known: Mapping[str, Tensor] | None = None) -> Tensor:
        """logits_B; `sigmoid` of a calibrated logit is the score. `known` are embeddings_BD of branches that need not run."""
        return self.judge(self.embeddings(images_BCHW, known))

    def embeddings(self, images_BCHW: Tensor, known: Mapping[str, Tensor] | None = None) -> Tensor:
        """embeddings_BD of all branches, side by side; those in `known` as they are there."""
        said = known or {}
        parts = [said[name] if name in said else branch(self.shown(name, images_BCHW)) for name, branch in self.branches.items()]
        return torch.cat(parts, dim=1)

    def shown(self, branch: str, images_BCHW: Tensor) -> Tensor:
        """The network's input as `branch` wants it."""
        return cast("Tensor", self.inputs[branch](images_BCHW)) if branch in self.inputs else images_BCHW

    def judge(self, embeddings_BD: Tensor) -> Tensor:
        """logits_B of embeddings."""
        logits_B1: Tensor = self.head(embeddings_BD)
        return logits_B1.squeeze(1)

    def judge_whole(self, embeddings_BD: Tensor) -> Tensor:
        """logits_B of pictures as a whole. Raises TypeError in a network without that head."""
        if self.whole_head is None:
            raise TypeError("this network has no head for whole pictures")
        parts = torch.split(embeddings_BD, self._widths, dim=1)
        seen_BD = torch.cat([part for part, is_seen in zip(parts, self._whole, strict=True) if is_seen], dim=1)
        logits_B1: Tensor = self.whole_head(seen_BD)
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
