"""The frames of a video that made its score"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("detections", schema=None) as batch_op:
        batch_op.add_column(sa.Column("frames", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("detections", schema=None) as batch_op:
        batch_op.drop_column("frames")
