"""What the review queue decides by stands in the indexes of its orders"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_GONE = (["score"], ["label", "score"], ["disagreement"])
_NEW = (
    ["score", "label", "model_id", "content_id"],
    ["label", "score", "model_id", "content_id"],
    ["disagreement", "label", "score", "model_id", "content_id"],
)


def upgrade() -> None:
    """Apply."""
    _replace(_GONE, _NEW)


def downgrade() -> None:
    """Undo."""
    _replace(_NEW, _GONE)


def _replace(gone: tuple[list[str], ...], new: tuple[list[str], ...]) -> None:
    for columns in gone:
        op.drop_index(_name(columns), "detections")
    for columns in new:
        op.create_index(_name(columns), "detections", columns)


def _name(columns: list[str]) -> str:
    return op.f("_".join(["ix", "detections", *columns]))
