"""What was asked of a job, how a verdict was made, and which machine says what"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ADDED = {
    "files": (
        ("asked_model", sa.String(length=64)),
        ("asked_faces", sa.Boolean()),
        ("asked_videos", sa.Boolean()),
        ("host", sa.String(length=255)),
    ),
    "locks": (("boot", sa.String(length=64)), ("namespace", sa.String(length=64))),
    "roots": (("watched_on", sa.String(length=255)),),
    "workers": (("model_sha256", sa.String(length=64)),),
}
# Of the verdicts on one content by one model, the files keep the latest.
_KEEP_LATEST = """
    UPDATE files SET detection_id = (
        SELECT max(latest.id) FROM detections AS latest, detections AS own
        WHERE own.id = files.detection_id AND latest.content_id = own.content_id AND latest.model_id = own.model_id
    ) WHERE detection_id IS NOT NULL
"""
_DROP_OTHERS = """
    DELETE FROM detections WHERE id NOT IN (SELECT max(latest.id) FROM detections AS latest GROUP BY content_id, model_id)
"""


def upgrade() -> None:
    """Apply."""
    for table, columns in _ADDED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, kind in columns:
                batch_op.add_column(sa.Column(name, kind, nullable=True))
    with op.batch_alter_table("detections", schema=None) as batch_op:
        batch_op.add_column(sa.Column("made_with", sa.String(length=32), nullable=False, server_default="faces"))
    op.execute("UPDATE detections SET made_with = 'whole' WHERE faces IS NULL")
    # How many frames were sampled of a video was not kept: by default they were 16.
    op.execute("UPDATE detections SET made_with = made_with || ', 16 frames' WHERE frames IS NOT NULL")
    with op.batch_alter_table("detections", schema=None) as batch_op:
        batch_op.alter_column("made_with", existing_type=sa.String(length=32), existing_nullable=False, server_default=None)
        batch_op.drop_constraint(batch_op.f("uq_detections_content_id_model_id"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_detections_content_id_model_id_made_with"), ["content_id", "model_id", "made_with"]
        )


def downgrade() -> None:
    """Undo."""
    op.execute(_KEEP_LATEST)
    op.execute(_DROP_OTHERS)
    with op.batch_alter_table("detections", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_detections_content_id_model_id_made_with"), type_="unique")
        batch_op.create_unique_constraint(batch_op.f("uq_detections_content_id_model_id"), ["content_id", "model_id"])
        batch_op.drop_column("made_with")
    for table, columns in _ADDED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, _kind in columns:
                batch_op.drop_column(name)
