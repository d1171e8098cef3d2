"""`dfscan calibrate`."""

from pathlib import Path

import click

from scanner.base.addresses.parameters import USER_FILE
from scanner.base.escape import in_shell
from scanner.base.logs import print_text
from scanner.base.settings import Settings

from .context import Share, pass_settings


@click.command()
@click.option("--reals", required=True, type=USER_FILE, help="A folder of photographs that are known to be real.")
@click.option("--fpr", default="1%", type=Share(), show_default=True, help="How many of them may be called fake.")
@click.option("--flagged", type=Share(), help="How many may be flagged at all, five times --fpr without it.")
@click.option("--name", help="What the new calibration is called; without it, after the checkpoint and the day.")
@click.option("--device", default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def calibrate(
    settings: Settings, reals: Path, fpr: float, flagged: float | None, name: str | None, device: str, as_json: bool
) -> None:
    """Set the threshold of the active checkpoint from your own real photographs.

    Writes a new checkpoint with the same weights and another threshold; the one it is made from stays as it is.
    """
    import json
    from datetime import UTC, datetime

    from worker.detector.checkpoints.card import file_sha256
    from worker.detector.checkpoints.checkpoint import save_with_card
    from worker.detector.combined.loading import load_detector
    from worker.detector.faces.face_finder import process_face_finder
    from worker.detector.image.picture import prepare_pillow
    from worker.detector.inference.registry import choose_checkpoint, new_name, new_path
    from worker.detector.weights.public_weights import backbone_files

    from ..evaluation.recalibration import recalibrated, scores_of_folder

    if not reals.is_dir():
        raise click.UsageError(f"{reals} is no folder; name one with photographs that are known to be real")
    prepare_pillow()
    clip = Path(settings.clip_weights) if settings.clip_weights else None
    files = backbone_files(settings.data_dir, clip)
    source = choose_checkpoint(settings.model, settings.data_dir, files).path
    now = datetime.now(UTC)
    name = name or new_name(f"{source.stem}-{now:%Y-%m-%d}", settings.data_dir)
    target = new_path(name, settings.data_dir)
    predictor = load_detector(source, device, files=files, micro_batch=settings.batch_size)
    card = predictor.card
    found = scores_of_folder(
        predictor,
        reals,
        settings.ignore,
        on_read=lambda count: print_text(f"{count:,} photographs scored", err=True),
        find=process_face_finder().find if settings.faces else None,
    )
    if settings.faces:
        in_all = len(found.scores) + found.never_flagged
        print_text(f"{found.with_face:,} of {in_all:,} have a face that is large enough", err=True)
    if found.never_flagged:
        print_text(
            f"left out: {found.never_flagged:,} without one, which a scan with {card.name} never flags; "
            "the threshold is chosen by the others",
            err=True,
        )
    for line in found.unread:
        print_text(f"left out: {line}", err=True)
    new = recalibrated(
        card,
        found.scores,
        name=name,
        fake_fpr=fpr,
        flagged_fpr=min(0.5, 5 * fpr) if flagged is None else flagged,
        from_sha256=file_sha256(source),
        now=now,
    )
    save_with_card(source, target, new)
    record = new.training["calibrated"]
    if as_json:
        click.echo(json.dumps({"path": str(target), "name": name, "threshold": new.threshold, **record}, indent=2))
        return
    rate, was = record["false_alarm_rate"], record["before"]["false_alarm_rate"]
    print_text(
        f"{name}: fake from {new.threshold:.3f} (was {card.threshold:.3f}), "
        f"uncertain from {new.band_low:.3f} (was {card.band_low:.3f})\n"
        f"of {record['reals']:,} real photographs {rate['value']:.2%} are called fake (was {was:.2%}); "
        f"with 95 % confidence {rate['low']:.2%} to {rate['high']:.2%} of all that are like them\n"
        f"written to {target}"
    )
    print_text(f"`dfscan model use {in_shell(name)}` scans with it", err=True)
