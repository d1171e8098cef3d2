"""Which file a row is about beside its name, size and date, and what holds again where its content is the same"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ADDED = (("inode", sa.BigInteger()), ("ctime_ns", sa.BigInteger()), ("state_if_same", sa.String(length=16)))


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("files", schema=None) as batch_op:
        for name, kind in _ADDED:
            batch_op.add_column(sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    """Undo."""
    # What only waited for a look at its content is again what it was.
    op.execute("UPDATE files SET state = state_if_same WHERE state = 'pending' AND state_if_same IS NOT NULL")
    with op.batch_alter_table("files", schema=None) as batch_op:
        for name, _kind in _ADDED:
            batch_op.drop_column(name)
