"""Where in its input a detector finds evidence for `fake`.

Convolutional branches: HiResCAM (Draelos & Carin 2020, "Use HiResCAM instead of Grad-CAM for faithful explanations of
convolutional neural networks"), the sum over channels of activation times gradient of the logit, at the last feature maps and at
those of twice their resolution. Where pooling and one linear layer follow the last maps, as in `lite`, it is exact: the map sums
up to the logit but for the bias. Grad-CAM averages gradients over places and thereby loses where they are.

CLIP: relevance of its patches by gradient-weighted attention (Chefer, Gur & Wolf 2021, "Generic attention-model explainability
for interpreting bi-modal and encoder-decoder transformers", equations 5 and 6 for self-attention).

Several branches: the sum of their maps, each counting as much as its branch alone raises the logit above what the head says to
the average embedding (see FusionDetector.alone).

Shapes: B = 1 image, C channels or colours, H x W pixels or cells, T tokens, N heads, D width.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..model.network import FusionDetector
from .predictor import Predictor


def heatmap(predictor: Predictor, image_HWC: NDArray[np.uint8], *, as_whole: bool = False) -> NDArray[np.float32]:
    """Evidence for `fake` at each pixel of a preprocessed image, float32 HW; of a picture `as_whole` for the head that is for it.

    Relative to the strongest place of this image, which is 1; all 0 where nothing speaks for `fake`. The network is asked with
    gradients, and left as it is.
    """
    detector = predictor.detector
    is_whole = as_whole and detector.whole_head is not None
    names = [name for name in detector.seeing if not is_whole or name in detector.whole]
    seeing = [detector.parts[name] for name in names]
    layers = [layer for branch in seeing for layer in branch.explained]
    with torch.enable_grad(), _recorded(layers) as passes:
        images_BCHW = predictor.on_device(image_HWC[None]).requires_grad_()
        embeddings = [branch.embed(detector.shown(name, images_BCHW)) for name, branch in detector.parts.items()]
        embeddings_BD = torch.cat(embeddings, dim=1)
        logit = (detector.judge_whole(embeddings_BD) if is_whole else detector.judge(embeddings_BD)).sum()
        outputs = [output for _, output in passes.values()]
        gradients = dict(zip(passes, torch.autograd.grad(logit, outputs), strict=True))
    total_HW = torch.zeros(image_HWC.shape[:2], device=images_BCHW.device)
    with torch.no_grad():
        for branch, weight in zip(seeing, [1.0] * len(names) if is_whole else _weights(detector, embeddings_BD), strict=True):
            own = [(layer, *passes[layer], gradients[layer]) for layer in branch.explained]
            map_BCHW = _of_attention(own) if branch.explained_by == "attention" else _of_convolutions(own)
            scaled = nn.functional.interpolate(map_BCHW, total_HW.shape, mode="bilinear", align_corners=False)
            total_HW += weight * _to_one(scaled[0, 0])
        return _to_one(total_HW).cpu().numpy()


# A layer with its first input, its output, and the gradient of the logit with respect to that output.
Pass = tuple[nn.Module, Tensor, Tensor, Tensor]


@contextmanager
def _recorded(layers: Sequence[nn.Module]) -> Iterator[dict[nn.Module, tuple[Tensor, Tensor]]]:
    """First input and output of each layer, in the order they run."""
    passes: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def record(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor | tuple[Tensor, ...]) -> None:
        passes[layer] = (inputs[0], output[0] if isinstance(output, tuple) else output)

    hooks = [layer.register_forward_hook(record) for layer in layers]
    try:
        yield passes
    finally:
        for hook in hooks:
            hook.remove()


def _weights(detector: FusionDetector, embeddings_BD: Tensor) -> list[float]:
    """How much each branch's map counts. Where none raises the logit, or none can be heard alone, all count the same."""
    if not detector.compared:
        return [1.0] * len(detector.seeing)
    raised_N = detector.alone(embeddings_BD)[0] - detector.judge(detector.neutral_D[None])
    weights: list[float] = raised_N.clamp(min=0).tolist()
    return weights if any(weights) else [1.0] * len(weights)


def _of_convolutions(passes: Sequence[Pass]) -> Tensor:
    """HiResCAM's positive part at each layer, the mean over layers; 1 x 1 x H x W of the finest."""
    maps = [(output_BCHW * gradient_BCHW).sum(1, keepdim=True).clamp(min=0) for _, _, output_BCHW, gradient_BCHW in passes]
    finest = max((own.shape[2:] for own in maps), key=tuple)
    scaled = [_to_one(nn.functional.interpolate(own, finest, mode="bilinear", align_corners=False)) for own in maps]
    return torch.stack(scaled).mean(0)


def _of_attention(passes: Sequence[Pass]) -> Tensor:
    """Relevance of each patch for the class token; 1 x 1 x H x W of patches."""
    relevance_TT: Tensor | None = None
    for layer, tokens_BTD, _, gradient_BTD in passes:
        assert isinstance(layer, nn.MultiheadAttention)
        used_TT = _attention_for_fake(layer, tokens_BTD[0], gradient_BTD[0])
        relevance_TT = torch.eye(len(used_TT), device=used_TT.device) if relevance_TT is None else relevance_TT
        relevance_TT = relevance_TT + used_TT @ relevance_TT
    assert relevance_TT is not None
    patches = relevance_TT[0, 1:]
    side = round(len(patches) ** 0.5)
    return patches.reshape(1, 1, side, side)


def _attention_for_fake(layer: nn.MultiheadAttention, tokens_TD: Tensor, gradient_TD: Tensor) -> Tensor:
    """The positive part of attention times gradient, the mean over heads.

    The layer keeps its attention to itself; it and its gradient follow from what goes in and from the gradient of what comes out.
    """
    in_heads = (len(tokens_TD), layer.num_heads, -1)
    joint = nn.functional.linear(tokens_TD, layer.in_proj_weight, layer.in_proj_bias)
    q_NTD, k_NTD, v_NTD = (part.reshape(in_heads).transpose(0, 1) for part in joint.chunk(3, dim=1))
    attention_NTT = torch.softmax(q_NTD @ k_NTD.transpose(1, 2) / q_NTD.shape[2] ** 0.5, dim=2)
    heads_gradient_NTD = (gradient_TD @ layer.out_proj.weight).reshape(in_heads).transpose(0, 1)
    gradient_NTT = heads_gradient_NTD @ v_NTD.transpose(1, 2)
    return (attention_NTT * gradient_NTT).clamp(min=0).mean(0)


def _to_one(values: Tensor) -> Tensor:
    highest = values.max()
    return values / highest if highest > 0 else values
