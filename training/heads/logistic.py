"""Weighted logistic regression with an L2 penalty, as one linear layer.

Shapes: N examples, D features.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scanner.base.errors import KnownError

# Added to each feature's deviation: one that hardly varies is not blown up.
_LEAST_DEVIATION = 1e-3


class CannotFit(KnownError):
    """What a head should be fitted on has one label only, or numbers that are none."""


@dataclass(frozen=True)
class Linear:
    """A linear layer with one output: logit = features @ weight + bias."""

    weight_D: Tensor
    bias: Tensor

    def __call__(self, features_ND: Tensor) -> Tensor:
        return features_ND @ self.weight_D + self.bias


def fit_logistic(
    features_ND: Tensor, labels_N: Tensor, weights_N: Tensor, penalty: float, *, iterations: int, start: Linear | None = None
) -> Linear:
    """Minimise the weighted mean of the cross-entropy plus `penalty` / 2 times the squared weights, by L-BFGS.

    The penalty is on weights of standardised features; what comes back is for features as they are. The bias is not penalised.
    Examples of weight 0 do not count, so that a subset needs no copy. The problem is convex: `start` saves steps and changes
    nothing else. Raises CannotFit.
    """
    weights_N = weights_N.to(features_ND.dtype)
    labels_N = labels_N.to(features_ND.dtype)
    _refuse(features_ND, labels_N, weights_N)
    share_N = weights_N / weights_N.sum()
    mean_D = share_N @ features_ND
    deviation_D = _deviations(features_ND, share_N, mean_D) + _LEAST_DEVIATION
    weight_D, bias = torch.zeros_like(mean_D), torch.zeros((), dtype=mean_D.dtype)
    if start is not None:
        weight_D = (start.weight_D.to(mean_D) * deviation_D).clone()
        bias = (start.bias.to(mean_D) + start.weight_D.to(mean_D) @ mean_D).clone()
    weight_D, bias = weight_D.requires_grad_(), bias.requires_grad_()
    solver = torch.optim.LBFGS(
        [weight_D, bias],
        max_iter=iterations,
        history_size=20,
        tolerance_grad=1e-7,
        tolerance_change=1e-10,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        solver.zero_grad()
        # Standardising the weights instead of the features saves a copy of these.
        plain_D = weight_D / deviation_D
        logits_N = features_ND @ plain_D + (bias - plain_D @ mean_D)
        losses_N = nn.functional.binary_cross_entropy_with_logits(logits_N, labels_N, reduction="none")
        total: Tensor = (share_N * losses_N).sum() + 0.5 * penalty * (weight_D**2).sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    solver.step(loss)  # type: ignore[no-untyped-call]
    found_D = (weight_D / deviation_D).detach()
    fitted = Linear(found_D, (bias - found_D @ mean_D).detach())
    if not (fitted.weight_D.isfinite().all() and fitted.bias.isfinite()):
        raise CannotFit("the fit of a head did not end in finite numbers: the embeddings are of no use; look at the pictures")
    return fitted


def _deviations(features_ND: Tensor, share_N: Tensor, mean_D: Tensor, block: int = 4096) -> Tensor:
    variances_D = torch.zeros_like(mean_D)
    for start in range(0, len(features_ND), block):
        part = slice(start, start + block)
        variances_D += share_N[part] @ (features_ND[part] - mean_D) ** 2
    return variances_D.sqrt()


def _refuse(features_ND: Tensor, labels_N: Tensor, weights_N: Tensor) -> None:
    if not (weights_N.isfinite().all() and bool((weights_N >= 0).all())):
        raise CannotFit("the weights of a head's examples are not finite")
    counted = weights_N > 0
    if len(torch.unique(labels_N[counted])) < 2:
        raise CannotFit("a head needs real and fake pictures of several sources to be fitted on; add some to the manifest")
    # The sum over all features is not finite if any is not, and takes no copy of them.
    if not features_ND.sum(dtype=torch.float64).isfinite():
        raise CannotFit("embeddings with numbers that are none: a branch or a picture is broken; delete the cache and look again")
