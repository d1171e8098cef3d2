"""What the review queue decides by stands in the indexes that it goes along"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_GONE = (
    ("detections", ["score"]),
    ("detections", ["label", "score"]),
    ("detections", ["disagreement"]),
    ("reviews", ["content_id"]),
)
_NEW = (
    ("detections", ["score", "label", "model_id", "content_id"]),
    ("detections", ["label", "score", "model_id", "content_id"]),
    ("detections", ["disagreement", "label", "score", "model_id", "content_id"]),
    ("reviews", ["content_id", "id", "decision"]),
)


def upgrade() -> None:
    """Apply."""
    _replace(_GONE, _NEW)


def downgrade() -> None:
    """Undo."""
    _replace(_NEW, _GONE)


def _replace(gone: tuple[tuple[str, list[str]], ...], new: tuple[tuple[str, list[str]], ...]) -> None:
    for table, columns in gone:
        op.drop_index(_name(table, columns), table)
    for table, columns in new:
        op.create_index(_name(table, columns), table, columns)


def _name(table: str, columns: list[str]) -> str:
    return op.f("_".join(["ix", table, *columns]))
