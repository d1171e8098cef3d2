"""The worst errors of a detector as a page of pictures: reals that look most fake to it, and fakes that look most real.

The page holds small copies of the pictures, and loads nothing. It is for the disk of who has the data, as the data is.
"""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO

import numpy as np

from scanner.base.escape import printable
from worker.detector.image.picture import PictureError, decode_rgb

from ..data.manifest import MAX_PIXELS, Row
from .predictions import Predictions

# Pictures of each kind, and the longer side of each in pixels.
SHOWN, SIDE = 24, 200
_STYLE = (
    "body{font:15px/1.4 system-ui,sans-serif;margin:2em;color-scheme:light dark}"
    "ul{display:flex;flex-wrap:wrap;gap:1em;list-style:none;padding:0}li{width:210px}"
    "img{max-width:100%;display:block}small{overflow-wrap:anywhere}"
)


def worst_page(found: Predictions) -> str:
    """An HTML page: of each label, up to SHOWN pictures whose scores are farthest on the wrong side, the worst first."""
    labels = np.asarray([row.label for row in found.rows])
    order = np.argsort(-found.scores, kind="stable")
    reals = [int(number) for number in order if labels[number] == 0][:SHOWN]
    fakes = [int(number) for number in order[::-1] if labels[number] == 1][:SHOWN]
    origin = found.origin
    name = escape(printable(origin.checkpoint["name"]))
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f"<title>Worst errors of {name}</title><style>{_STYLE}</style></head><body>",
            f"<h1>Worst errors of {name}</h1>",
            f"<p>{len(found.rows):,} pictures of split {escape(printable(origin.split))}.",
            f"A score of {origin.threshold:.3f} or more is called fake, from {origin.band_low:.3f} on uncertain.</p>",
            "<h2>Real pictures with the highest scores</h2>",
            _list(found, reals),
            "<h2>Fake pictures with the lowest scores</h2>",
            _list(found, fakes),
            "</body></html>\n",
        ]
    )


def _list(found: Predictions, numbers: Sequence[int]) -> str:
    if not numbers:
        return "<p>There are none.</p>"
    return f"<ul>{''.join(_item(found.rows[number], float(found.scores[number])) for number in numbers)}</ul>"


def _item(row: Row, score: float) -> str:
    of = " ".join(filter(None, (row.source, row.family, row.generator)))
    return (
        f"<li>{_picture(row)}<b>{score:.3f}</b> <small>{escape(printable(of))}<br>{escape(printable(str(row.path)))}</small></li>"
    )


def _picture(row: Row) -> str:
    try:
        picture = decode_rgb(row.read(), max_pixels=MAX_PIXELS, short_side=SIDE).picture
    except (OSError, PictureError) as error:
        return f"<p>{escape(printable(str(error)))}</p>"
    picture.thumbnail((SIDE, SIDE))
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return f'<img alt="" src="data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode()}">'
