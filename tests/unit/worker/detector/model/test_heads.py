"""The heads: as published with batch normalisation, one for each branch ("late fusion"), and a second one for whole pictures."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.assembly import build_detector
from worker.detector.model.branch import Branch
from worker.detector.model.branch_input import BranchInput
from worker.detector.model.heads import LEAST, LateHead, mlp
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import Recipe
from worker.detector.weights.public_weights import BackboneFiles


class Channel(Branch):
    """The mean of one colour, `width` times; a branch that learns a factor."""

    def __init__(self, channel: int, width: int, *, is_constant: bool = False) -> None:
        super().__init__()
        self.channel = channel
        self.width = width
        self.is_constant = is_constant
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        return self.factor * images_BCHW[:, self.channel].mean(dim=(1, 2))[:, None].expand(-1, self.width)


def network(hidden: tuple[int, ...] = (), **others: Any) -> FusionDetector:
    """Three branches: red, a constant one of green, and blue."""
    branches = {"red": Channel(0, 2), "constant": Channel(1, 3, is_constant=True), "blue": Channel(2, 4)}
    return FusionDetector(branches, hidden, 0.0, **others).eval()


def filled(module: nn.Module | None) -> nn.Module:
    """The same module with a random number in every weight."""
    assert module is not None
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_()
    return module


def kinds(head: nn.Module) -> list[type[nn.Module]]:
    return [type(layer) for layer in head.children()]


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(name="images_BCHW")
def _images(_seeded: None) -> Tensor:
    return torch.randn(5, 3, 8, 8)


def test_batch_normalisation_in_the_head() -> None:
    assert kinds(mlp(6, (5, 4), 0.4, batch_norm=True)) == [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout] * 2 + [nn.Linear]
    assert kinds(mlp(6, (5, 4), 0.4)) == [nn.Linear, nn.ReLU, nn.Dropout] * 2 + [nn.Linear]
    widths = [layer.num_features for layer in mlp(6, (5, 4), 0.4, batch_norm=True) if isinstance(layer, nn.BatchNorm1d)]
    assert widths == [5, 4]
    assert kinds(mlp(6, (), 0.4, batch_norm=True)) == [nn.Dropout, nn.Linear]


def test_a_head_with_batch_normalisation_cannot_hear_a_constant(images_BCHW: Tensor) -> None:
    """In training: whatever a constant branch adds before batch normalisation is taken out again by it."""
    detector = network((6,), batch_norm=True)
    filled(detector.head)
    embeddings_BD = detector.embeddings(images_BCHW)
    constant = torch.zeros_like(embeddings_BD)
    constant[:, 2:5] = torch.tensor([3.0, -7.0, 11.0])
    detector.train()

    torch.testing.assert_close(detector.judge(embeddings_BD + constant), detector.judge(embeddings_BD), rtol=0, atol=1e-4)
    plain = filled(network((6,)).head)
    assert (plain(embeddings_BD + constant) - plain(embeddings_BD)).abs().max() > 0.1


@pytest.mark.parametrize("hidden", [(), (6,), (6, 5)])
@pytest.mark.parametrize(
    "others", [{}, {"batch_norm": True}, {"fusion": "late"}, {"fusion": "gated"}, {"whole": ("blue",)}], ids=str
)
def test_every_head_gives_a_logit_for_each_image_and_all_of_it_learns(
    images_BCHW: Tensor, hidden: tuple[int, ...], others: dict[str, Any]
) -> None:
    detector = network(hidden, **others).train()
    filled(detector)

    logits_B = detector(images_BCHW)
    if detector.whole_head is not None:
        logits_B = logits_B + detector.judge_whole(detector.embeddings(images_BCHW))
    assert logits_B.shape == (5,)
    logits_B.square().sum().backward()

    heard = {name: parameter for name, parameter in detector.named_parameters() if "constant" not in name}
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in heard.values())
    assert all(parameter.grad.any() for name, parameter in heard.items() if name.startswith("branches.")), heard


def test_late_head_sums_its_branches(images_BCHW: Tensor) -> None:
    detector = network(fusion="late")
    head = filled(detector.head)
    assert isinstance(head, LateHead)
    assert [kinds(own) for own in head.heads] == [[nn.Dropout, nn.Linear]] * 2
    assert [own[-1].in_features for own in head.heads] == [2, 4]

    embeddings_BD = detector.embeddings(images_BCHW)
    red, blue = head.heads[0](embeddings_BD[:, :2]), head.heads[1](embeddings_BD[:, 5:])

    expected = head.sum.weight[0, 0] * red + head.sum.weight[0, 1] * blue + head.sum.bias
    torch.testing.assert_close(detector(images_BCHW), expected[:, 0])


def test_with_a_gate_the_first_branch_says_how_much_the_others_count(images_BCHW: Tensor) -> None:
    detector = network(fusion="gated")
    head = filled(detector.head)
    assert isinstance(head, LateHead)
    assert head.gate is not None
    assert (head.gate.in_features, head.gate.out_features) == (2, 1)
    images_BCHW = 10 * images_BCHW

    embeddings_BD = detector.embeddings(images_BCHW)
    red, blue = head.heads[0](embeddings_BD[:, :2]), head.heads[1](embeddings_BD[:, 5:])
    gate = LEAST + (1 - LEAST) / (1 + torch.exp(-(embeddings_BD[:, :2] @ head.gate.weight.T + head.gate.bias)))

    expected = head.sum.weight[0, 0] * red + head.sum.weight[0, 1] * gate * blue + head.sum.bias
    torch.testing.assert_close(detector(images_BCHW), expected[:, 0])
    assert gate.std() > 0.01, "the gate says the same of all images, so that this shows nothing"


def test_a_gate_starts_half_open_and_a_late_head_has_none() -> None:
    gated = LateHead([2, 3], [True, True], (), 0.0, gated=True)
    assert gated.gate is not None
    assert torch.sigmoid(gated.gate(torch.randn(4, 2))).tolist() == [[0.5]] * 4
    assert LateHead([2, 3], [True, True], (), 0.0).gate is None


def test_no_gate_silences_a_branch() -> None:
    head = LateHead([2, 3], [True, True], (), 0.0, gated=True)
    assert head.gate is not None
    with torch.no_grad():
        head.gate.bias.fill_(-1e6)
        head.heads[1][-1].bias.fill_(1.0)

    assert head(torch.randn(4, 5)).tolist() == [[pytest.approx(LEAST)]] * 4
    assert LEAST > 0


def test_a_late_head_starts_as_the_plain_sum() -> None:
    head = LateHead([2, 3], [True, True], (), 0.0)

    assert head.sum.weight.tolist() == [[1.0, 1.0]]
    assert head.sum.bias.tolist() == [0.0]
    assert head(torch.randn(4, 5)).tolist() == [[0.0]] * 4


@pytest.mark.parametrize("others", [{}, {"fusion": "late"}, {"fusion": "gated"}], ids=str)
def test_a_branch_alone_is_heard_with_the_others_at_their_mean(images_BCHW: Tensor, others: dict[str, Any]) -> None:
    detector = network((6,), **others)
    filled(detector.head)
    with torch.no_grad():
        detector.neutral_D.normal_()
    embeddings_BD = detector.embeddings(images_BCHW)

    alone_BN = detector.alone(embeddings_BD)

    assert detector.compared == ("red", "blue")
    for number, part in enumerate((slice(0, 2), slice(5, 9))):
        mixed_BD = detector.neutral_D.expand_as(embeddings_BD).clone()
        mixed_BD[:, part] = embeddings_BD[:, part]
        torch.testing.assert_close(alone_BN[:, number], detector.judge(mixed_BD))


def test_in_a_late_head_a_branch_alone_moves_by_its_own_head_only(images_BCHW: Tensor) -> None:
    detector = network(fusion="late")
    filled(detector.head)
    with torch.no_grad():
        detector.neutral_D.normal_()
    red = images_BCHW.clone()
    red[:, 0] += 1

    before, after = (detector.alone(detector.embeddings(images)) for images in (images_BCHW, red))

    assert (after[:, 0] - before[:, 0]).abs().min() > 0.01
    torch.testing.assert_close(after[:, 1], before[:, 1])


@pytest.mark.parametrize(("whole", "seen"), [(("blue",), {2}), (("red",), {0}), (("red", "blue"), {0, 2})])
def test_the_whole_head_sees_its_branches_and_no_other(images_BCHW: Tensor, whole: Sequence[str], seen: set[int]) -> None:
    detector = network(whole=whole)
    filled(detector.whole_head)
    before = detector.judge_whole(detector.embeddings(images_BCHW))

    moved = set()
    for channel in range(3):
        other = images_BCHW.clone()
        other[:, channel] += 1
        if (detector.judge_whole(detector.embeddings(other)) - before).abs().max() > 1e-3:
            moved.add(channel)

    assert moved == seen


def test_the_whole_head_and_that_for_faces_do_not_hear_each_other(images_BCHW: Tensor) -> None:
    detector = network(whole=("blue",))
    filled(detector)
    embeddings_BD = detector.embeddings(images_BCHW)
    faces, whole = detector.judge(embeddings_BD), detector.judge_whole(embeddings_BD)

    filled(detector.whole_head)
    assert torch.equal(detector.judge(embeddings_BD), faces)
    assert not torch.equal(detector.judge_whole(embeddings_BD), whole)


def test_a_network_without_a_whole_head_says_so(images_BCHW: Tensor) -> None:
    detector = network()

    with pytest.raises(TypeError, match="no head for whole pictures"):
        detector.judge_whole(detector.embeddings(images_BCHW))


def test_only_the_branches_with_an_input_of_their_own_get_another() -> None:
    own = BranchInput(Preprocessing(8, (0.5,) * 3, (0.5,) * 3), Preprocessing(16, (0.0,) * 3, (1.0,) * 3))
    detector = network(inputs={"blue": own})
    images_BCHW = torch.ones(1, 3, 8, 8)  # white, as the network's normalisation has it

    assert detector.shown("red", images_BCHW) is images_BCHW
    assert detector.shown("blue", images_BCHW).shape == (1, 3, 16, 16)
    assert torch.equal(detector.embeddings(images_BCHW)[0, :5], torch.ones(5))
    torch.testing.assert_close(detector.embeddings(images_BCHW / 2)[0, 5:], torch.full((4,), 0.75))


def test_a_recipe_says_which_heads_and_inputs_its_network_has() -> None:
    mean = (0.5,) * 3
    recipe = Recipe(
        "fields",
        ("efficientnet-lite2", "resnet101"),
        (8,),
        0.25,
        Preprocessing(64, mean, mean),
        inputs={"resnet101": Preprocessing(96, mean, mean)},
        fusion="late",
        whole=("resnet101",),
    )

    detector = build_detector(recipe, BackboneFiles())

    assert isinstance(detector.head, LateHead)
    assert [own[0].in_features for own in detector.head.heads] == [1280, 512]
    assert detector.whole == ("resnet101",)
    assert detector.whole_head is not None
    assert detector.whole_head[-1].in_features == 512
    assert detector.shown("resnet101", torch.zeros(1, 3, 64, 64)).shape == (1, 3, 96, 96)
    assert detector.shown("efficientnet-lite2", torch.zeros(1, 3, 64, 64)).shape == (1, 3, 64, 64)
