"""What a score rests on, and what a file says of its origin"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("contents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("evidence", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("fingerprint", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("detections", schema=None) as batch_op:
        # Until now every score was of the whole picture.
        batch_op.add_column(sa.Column("basis", sa.String(length=16), nullable=False, server_default="whole"))
        batch_op.add_column(sa.Column("faces", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("stable", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("branches", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("disagreement", sa.Double(), nullable=True))
        batch_op.create_index(batch_op.f("ix_detections_disagreement"), ["disagreement"], unique=False)
    with op.batch_alter_table("detections", schema=None) as batch_op:
        batch_op.alter_column("basis", existing_type=sa.String(length=16), existing_nullable=False, server_default=None)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("detections", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_detections_disagreement"))
        for column in ("disagreement", "branches", "stable", "faces", "basis"):
            batch_op.drop_column(column)
    with op.batch_alter_table("contents", schema=None) as batch_op:
        batch_op.drop_column("fingerprint")
        batch_op.drop_column("evidence")
