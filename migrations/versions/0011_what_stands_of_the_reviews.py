"""What stands of the reviews on a content is kept with its verdicts, in the indexes that the queue goes along"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_GONE = {
    "ix_detections_score_label_model_id_content_id": ["score", "label", "model_id", "content_id"],
    "ix_detections_label_score_model_id_content_id": ["label", "score", "model_id", "content_id"],
    "ix_detections_disagreement_label_score_model_id_content_id": [
        *("disagreement", "label", "score", "model_id", "content_id"),
    ],
}
_NEW = {
    "ix_detections_decision_score": ["decision", "score", "label", "model_id", "content_id"],
    "ix_detections_label_decision": ["label", "decision", "score", "model_id", "content_id"],
    "ix_detections_decision_disagreement": ["decision", "disagreement", "label", "score", "model_id", "content_id"],
}
_STANDING = """
UPDATE detections SET decision = (
    SELECT CASE WHEN decision = 'withdrawn' THEN '' ELSE decision END FROM reviews
    WHERE reviews.content_id = detections.content_id ORDER BY reviews.id DESC LIMIT 1
) WHERE content_id IN (SELECT content_id FROM reviews)
"""


def upgrade() -> None:
    """Apply."""
    _drop(_GONE)
    # Without a batch, which would copy the table on SQLite: a column with a default is added at once.
    op.add_column("detections", sa.Column("decision", sa.String(length=16), nullable=False, server_default=""))
    op.execute(_STANDING)
    _create(_NEW)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ANALYZE detections")  # else nothing would be known of the column until a tenth of the rows has changed


def downgrade() -> None:
    """Undo."""
    _drop(_NEW)
    with op.batch_alter_table("detections", schema=None) as batch_op:
        batch_op.drop_column("decision")
    _create(_GONE)


def _drop(indexes: dict[str, list[str]]) -> None:
    for name in indexes:
        op.drop_index(op.f(name), "detections")


def _create(indexes: dict[str, list[str]]) -> None:
    for name, columns in indexes.items():
        op.create_index(op.f(name), "detections", columns)
