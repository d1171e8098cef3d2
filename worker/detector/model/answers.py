"""The network as every runtime runs it.

Shapes: B images, H rows, W columns, C = 3 colours, D embedding width, K answers: the logit, then that of each branch
alone, then that of the head for whole pictures.
"""

import torch
from torch import Tensor, nn

from ..image.normalise import normalise
from ..image.preprocess import Preprocessing
from .network import FusionDetector


class Answers(nn.Module):
    """From uint8 images_BHWC to logits_BK, normalisation included, so that pictures travel to the device as bytes."""

    def __init__(self, detector: FusionDetector, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.detector = detector
        self.preprocessing = preprocessing
        self.compares = bool(detector.compared)
        self.eval()  # exporting would otherwise leave the detector in training mode

    def forward(self, images_BHWC: Tensor) -> Tensor:
        images_BCHW = normalise(images_BHWC, self.preprocessing)
        embeddings_BD = self.detector.embeddings(images_BCHW)
        answers = [self.detector.judge(embeddings_BD)[:, None]]
        if self.compares:
            answers.append(self.detector.alone(embeddings_BD))
        if self.detector.whole_head is not None:
            answers.append(self.detector.judge_whole(embeddings_BD)[:, None])
        return torch.cat(answers, dim=1)
