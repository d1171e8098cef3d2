"""What a file says of its own origin, beside the score and never inside it. Presence is evidence; absence proves nothing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """One trace. `kind` and `finding` are for machines, `text` is for people, `source` is where in the file it stands."""

    kind: str
    finding: str
    text: str
    source: str
