"""What each forensic view shows, what it can show and what it cannot. None of them is a verdict."""

from scanner.media.forensic.view import View

TITLES = {View.ERROR_LEVELS: "Error levels", View.NOISE: "Noise residual"}
_SENTENCES = {
    View.ERROR_LEVELS: "What changes when the picture is saved once more as JPEG. A part that was saved another number of times "
    "can be brighter or darker than like parts; edges, fine texture and strong colours are bright in every honest picture, and "
    "what was resized or never was a JPEG shows little.",
    View.NOISE: "The picture less its own median. A part whose noise is smoother, coarser or in a grid can come from elsewhere; "
    "focus, light, retouching of a whole picture and compression change noise, too.",
}
_NO_VERDICT = "It is no verdict."


def view_sentence(view: View) -> str:
    """What to keep in mind when one looks at it."""
    return f"{TITLES[view]}: {_SENTENCES[view]} {_NO_VERDICT}"


def view_badge(view: View, gain: float) -> str:
    """On the picture, so that nobody takes the view for it."""
    return f"{TITLES[view]}, amplified \N{MULTIPLICATION SIGN}{gain:.3g}"


def difference_sentence(gain: int, *, is_equal: bool, is_same_cut: bool) -> str:
    """What the difference of two pictures shows, and what it cannot."""
    if is_equal:
        return "The two are equal, pixel by pixel."
    if not is_same_cut:
        return f"The two are cut differently: they do not lie over each other, and differ everywhere. {_NO_VERDICT}"
    return (
        f"Black where both are equal, amplified \N{MULTIPLICATION SIGN}{gain}. Saving or resizing changes edges and texture a "
        "little everywhere; a part that was altered differs in its place. What was moved by a pixel differs at all edges. "
        f"{_NO_VERDICT}"
    )
