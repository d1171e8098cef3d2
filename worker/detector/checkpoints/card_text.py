"""A checkpoint's card as text (Markdown): what it is, what it was measured on, and what that does not mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..model.recipes import COMBINED, IMPORTED
from .card import CheckpointCard, CheckpointError
from .card_tables import (
    anchors_table,
    figures_table,
    further_tables,
    fusion_table,
    held_out_table,
    history_table,
    robustness_table,
    sources_table,
)
from .imported_network import ImportedNetwork
from .late_fusion import LateFusion


def card_text(card: CheckpointCard, path: Path, sha256: str) -> str:
    """The whole card. What the card does not hold is left out.

    Raises CheckpointError where what it tells of its training or its figures has another form than this version writes.
    """
    try:
        return _whole_text(card, path, sha256)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: what its card tells of training or figures cannot be read ({error!r}); "
            "`dfscan model show --json` shows it as it is"
        ) from None


def _whole_text(card: CheckpointCard, path: Path, sha256: str) -> str:
    parts = [
        f"# {card.name}",
        f"File `{path.name}`, sha256 `{sha256}`, made {card.created_at}.",
        *_what_it_is(card),
        f"A score of {card.threshold:.3f} or more is called fake, from {card.band_low:.3f} on uncertain, below that real.",
    ]
    if record := card.training.get("calibrated"):
        parts.append(_calibrated_line(record))
    if card.training and not card.imported and not card.fusion:
        parts.append(_training_line(card.training))
    if sources := card.training.get("sources"):
        parts += ["## Trained on", sources_table(sources)]
    if card.metrics:
        parts += _measured(card, card.metrics)
    if history := card.training.get("history"):
        parts += ["## History", "What was tried, failures included.", history_table(history)]
    return "\n\n".join([*parts, "## Limits", _limits(card)])


def _what_it_is(card: CheckpointCard) -> list[str]:
    if card.fusion:
        return _combined_parts(card, card.fusion)
    if card.imported:
        return [_imported_line(card, card.imported)]
    seen = card.recipe.preprocessing
    return [f"Recipe `{card.recipe.name}`: {' + '.join(card.recipe.branches)}, input {seen.size} x {seen.size} pixels."]


def _combined_parts(card: CheckpointCard, fusion: LateFusion) -> list[str]:
    told = card.training.get(COMBINED, {})
    names = ", ".join(f"`{part.name}`" for part in fusion.parts)
    return [
        f"A combination of {names}: a weighted sum of their logits, each calibrated by its own card and less its mean. Weights "
        f"were fitted on {told.get('rows', 0):,} pictures (split `{told.get('split')}` of {told.get('manifest')}, sha256 "
        f"`{told.get('manifest_sha256')}`).",
        fusion_table(fusion),
        "The columns of weights are for scores that rest on a picture's faces, on the picture as a whole, or on both.",
    ]


def _imported_line(card: CheckpointCard, network: ImportedNetwork) -> str:
    told, resize = card.training.get(IMPORTED, {}), card.face_inputs.resize
    shown = "each face" if card.face_inputs.looked_for else "the picture as a whole"
    labels = told.get("labels", ())
    fake = "" if network.head else f" number {network.index}" + (f" of {', '.join(labels)}" if labels else "")
    return (
        f"An imported ONNX network: `{told.get('file')}`, sha256 `{told.get('sha256')}`, from {told.get('source')}, licence "
        f"{told.get('licence')}. It is shown {shown}, {card.recipe.preprocessing.size} pixels wide and high ({resize.rule}, "
        f"{resize.filter}); its output ({network.kind}){fake} says fake."
    )


def robustness_parts(robustness: Mapping[str, Any]) -> list[str]:
    """The robustness table and what it says, as paragraphs."""
    does = [f"{found['name']}: {found['does']}" for found in robustness["conditions"]]
    return [
        f"{robustness['images']:,} images, as they are and changed: {'; '.join(does)}. Changes of score and label are against "
        "the same image as it is; the last two columns are shares of images.",
        robustness_table(robustness),
    ]


def _training_line(training: Mapping[str, Any]) -> str:
    if heads := training.get("heads"):
        return (
            f"Heads fitted on {training.get('rows', 0):,} images (manifests sha256 `{training.get('manifest_sha256')}`) "
            f"over frozen branches; {'; '.join(f'{name}: {value}' for name, value in heads.items())}."
        )
    plan = training.get("plan", {})
    sizes = plan.get("sizes", ())
    chosen = ""
    if held := training.get("held_back"):
        chosen = (
            f" Its epoch and learning rate were chosen by the {str(held['figure']).upper()} of {held['images']:,} other images "
            f"({held['groups']:,} of the training groups, held back from training), and not on what is reported."
        )
    first = plan.get("first")
    alone = (
        f"{', '.join(first['branches'])} alone for {first['epochs']} epochs, then a head on all branches for " if first else ""
    )
    return (
        f"Trained on {training.get('rows', 0):,} images (manifest sha256 `{training.get('manifest_sha256')}`), "
        f"{alone}{plan.get('epochs', len(sizes))} epochs at {', '.join(map(str, sizes))} pixels, "
        f"batch {plan.get('batch_size')}, {plan.get('optimiser')} {plan.get('learning_rate')}, seed {plan.get('seed')}.{chosen}"
    )


def _calibrated_line(record: Mapping[str, Any]) -> str:
    rate = record["false_alarm_rate"]
    return (
        f"Threshold and band were set from {record['reals']:,} real photographs of its user (checkpoint sha256 "
        f"`{record['from_sha256']}`): of these {rate['value']:.2%} are called fake [{rate['low']:.2%}, {rate['high']:.2%}]."
    )


def _measured(card: CheckpointCard, metrics: Mapping[str, Any]) -> list[str]:
    split = metrics.get("split")
    is_own = split == "val" and "held_out" not in metrics
    chosen = " Calibration and thresholds were chosen on the same images." if is_own else ""
    if card.fusion:
        chosen = (
            " Each picture was weighed by weights fitted without its source; the parts are as they were. Calibration and "
            "cuts were chosen on the same scores."
        )
    parts = [
        "## Measured out-of-fold" if card.fusion else f"## Measured on split `{split}`",
        f"95 % bootstrap intervals by group in brackets.{chosen}",
        figures_table(metrics),
    ]
    if crossed := metrics.get("cross_fitted"):
        parts.append(
            f"With calibration and thresholds chosen on the other half of the groups: {crossed['false_alarm_rate']:.3f} of real "
            f"images called fake ({crossed['flagged_real_rate']:.3f} flagged), {crossed['hit_rate']:.3f} of fake ones "
            f"({crossed['flagged_fake_rate']:.3f} flagged)."
        )
    if beside := metrics.get("beside"):
        parts += ["Beside its parts, each alone with its own cuts, on the same pictures:", held_out_table(beside)]
    parts += further_tables(metrics)
    if held_out := metrics.get("held_out"):
        parts += [
            "## Held-out sources",
            f"{held_out['images']:,} whole pictures of {held_out['sources']} sources, each scored by heads that were fitted "
            f"without its source ({held_out.get('folds', 8)} folds). Intervals by source. The threshold was chosen on these.",
            held_out_table(held_out["rows"]),
        ]
    if anchors := metrics.get("anchors"):
        parts += ["## Beside published figures", anchors_table(metrics, anchors, metrics.get("cross_fitted"))]
    if robustness := metrics.get("robustness"):
        parts += ["## Robustness", *robustness_parts(robustness)]
    return parts


def _limits(card: CheckpointCard) -> str:
    size = card.recipe.preprocessing.size
    if card.imported:
        lines = ["- It was made elsewhere. What is written above is what its card says; nothing was measured here."]
        if card.metrics:
            lines = ["- It was made elsewhere; only the figures above were measured here."]
    elif card.fusion:
        lines = [
            "- It needs all of its parts; their limits are its limits, where they share them.",
            "- The figures are of sources that the weights were not fitted on; a part may have been trained on them.",
        ]
    elif card.combinations:
        lines = [
            "- The figures of held-out sources are what to expect of pictures from elsewhere; `val` is mostly of kinds it knows.",
            "- It misses most face swaps in photographs, small retouching and inpainting: it has seen few kinds of them.",
            f"- It sees {size} x {size} pixels: of each face that is found, and of the centre square of the picture.",
        ]
    else:
        lines = [
            "- The figures are of images from the sources that it was trained on. Expect it to miss forgeries of other kinds,",
            "  and to call more photographs fake that are unlike these: that has not been measured.",
            f"- It sees {size} x {size} pixels: of each face that is found, or of the centre square of an image with none.",
            "- It was trained on face crops of about this size. Scores of whole scenes, drawings and screenshots mean little.",
        ]
    return "\n".join([*lines, "- A score is a reason to look, not a proof, and must not be the only ground of an accusation."])
