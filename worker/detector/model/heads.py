"""Heads: from embeddings to logits.

Shapes: B images, D embedding width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# No gated branch is silenced: on pictures of a kind that nobody trained on it may still be right (measured: docs/figures.md).
LEAST = 0.2


def mlp(width: int, hidden: Sequence[int], dropout: float, *, batch_norm: bool = False) -> nn.Sequential:
    """Linear, batch normalisation where asked for, ReLU and dropout per hidden width, then one logit.

    Kaiming initialisation (He et al. 2015), as published. Without hidden layers it is dropout and one linear layer,
    zero-initialised: it starts at logit 0 and disturbs no feature.
    """
    layers: list[nn.Module] = []
    for out in hidden:
        linear = nn.Linear(width, out)
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias)
        layers += [linear, *([nn.BatchNorm1d(out)] if batch_norm else []), nn.ReLU(), nn.Dropout(dropout)]
        width = out
    last = nn.Linear(width, 1)
    if hidden:
        nn.init.kaiming_normal_(last.weight, nonlinearity="linear")
    else:
        layers.append(nn.Dropout(dropout))
        nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


class LateHead(nn.Module):
    """A head for each branch that sees the image, and a weighted sum of their logits ("late fusion").

    A branch that knows its training pictures by heart cannot drown the others in it, as it does in one linear layer over all
    embeddings. With `gated` the first branch's embedding says, by a factor of LEAST..1 for each of the others, how much these
    count (a mixture of experts, Jacobs et al. 1991): a CNN is worth listening to on pictures like those that it was trained on.
    """

    def __init__(
        self, widths: Sequence[int], is_seeing: Sequence[bool], hidden: Sequence[int], dropout: float, *, gated: bool = False
    ) -> None:
        super().__init__()
        self._widths = list(widths)
        self._is_seeing = list(is_seeing)
        seen = [width for width, sees in zip(widths, is_seeing, strict=True) if sees]
        self.heads = nn.ModuleList([mlp(width, hidden, dropout) for width in seen])
        self.sum = nn.Linear(len(seen), 1)
        nn.init.ones_(self.sum.weight)
        nn.init.zeros_(self.sum.bias)
        self.gate = nn.Linear(seen[0], len(seen) - 1) if gated else None
        if self.gate is not None:
            nn.init.zeros_(self.gate.weight)
            nn.init.zeros_(self.gate.bias)

    def forward(self, embeddings_BD: Tensor) -> Tensor:
        """logits_B1."""
        parts = torch.split(embeddings_BD, self._widths, dim=1)
        seen = [part for part, sees in zip(parts, self._is_seeing, strict=True) if sees]
        logits_BN = torch.cat([head(part) for head, part in zip(self.heads, seen, strict=True)], dim=1)
        if self.gate is not None:
            gates_BM = LEAST + (1 - LEAST) * torch.sigmoid(self.gate(seen[0]))
            logits_BN = torch.cat([logits_BN[:, :1], gates_BM * logits_BN[:, 1:]], dim=1)
        logits_B1: Tensor = self.sum(logits_BN)
        return logits_B1
