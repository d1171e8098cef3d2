"""CLIP's image tower run for its class tokens alone: what nobody asks for is not computed.

The numbers are those of open_clip's own way through the tower. That way also brings the other tokens through the last block,
and its attention, made for training, becomes three times as many steps when it is exported.

Shapes: B images, C = 3, H x W pixels, T tokens (the class token first), N heads, D width.
"""

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn


def class_tokens(visual: Any, images_BCHW: Tensor, blocks: Collection[int]) -> tuple[Tensor, dict[int, Tensor]]:
    """The image embedding_BD of `visual`, not normalised, and the class tokens_BD after `blocks`, by their numbers from 1."""
    tokens_BTD: Tensor = visual._embeds(images_BCHW)
    *others, last = visual.transformer.resblocks
    found: dict[int, Tensor] = {}
    for number, block in enumerate(others, 1):
        tokens_BTD = _after(block, tokens_BTD, *_of_all(block.attn, block.ln_1(tokens_BTD)))
        found[number] = tokens_BTD[:, 0]
    # Of the last block only the class token is wanted: the others are what it looks at.
    token_B1D = _after(last, tokens_BTD[:, :1], *_of_first(last.attn, last.ln_1(tokens_BTD)))
    found[len(others) + 1] = token_B1D[:, 0]
    embedding_BD: Tensor = visual.ln_post(token_B1D[:, 0]) @ visual.proj
    return embedding_BD, {number: found[number] for number in blocks}


def _of_all(layer: nn.MultiheadAttention, tokens_BTD: Tensor) -> tuple[Tensor, ...]:
    """Queries, keys and values, BTD each."""
    return nn.functional.linear(tokens_BTD, layer.in_proj_weight, layer.in_proj_bias).chunk(3, dim=2)


def _of_first(layer: nn.MultiheadAttention, tokens_BTD: Tensor) -> tuple[Tensor, ...]:
    """The query of the first token; keys and values of all."""
    width = layer.embed_dim
    query_B1D = nn.functional.linear(tokens_BTD[:, :1], layer.in_proj_weight[:width], layer.in_proj_bias[:width])
    others = nn.functional.linear(tokens_BTD, layer.in_proj_weight[width:], layer.in_proj_bias[width:])
    return query_B1D, *others.chunk(2, dim=2)


def _after(block: Any, tokens_BTD: Tensor, query_BTD: Tensor, key_BTD: Tensor, value_BTD: Tensor) -> Tensor:
    """The tokens of the queries after a block."""
    layer: nn.MultiheadAttention = block.attn
    in_heads = (query_BTD.shape[0], -1, layer.num_heads, layer.head_dim)  # len() would be a constant in an export
    query, key, value = (part.reshape(in_heads).transpose(1, 2) for part in (query_BTD, key_BTD, value_BTD))
    weights_BNTT = torch.softmax(layer.head_dim**-0.5 * query @ key.transpose(2, 3), dim=3)
    seen_BTD = (weights_BNTT @ value).transpose(1, 2).flatten(2)
    tokens_BTD = tokens_BTD + block.ls_1(layer.out_proj(seen_BTD))
    changed_BTD: Tensor = tokens_BTD + block.ls_2(block.mlp(block.ln_2(tokens_BTD)))
    return changed_BTD
