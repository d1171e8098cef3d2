"""The ledger of each root, one watch per database, and the trouble of workers"""

from typing import Any

import sqlalchemy as sa
from alembic import op

import scanner.database.columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LEDGER: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("mode", sa.String(length=16)),
    ("mode_reason", sa.Text()),
    ("swept_seconds", sa.Double()),
    ("device", sa.String(length=32)),
    ("inode", sa.String(length=32)),
    ("paused_at", scanner.database.columns.UtcDateTime(timezone=True)),
    ("paused_reason", sa.Text()),
)
_COUNTS = ("overflows", "found_by_events", "found_by_sweep")


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("roots", schema=None) as batch_op:
        for name, kind in _LEDGER:
            batch_op.add_column(sa.Column(name, kind, nullable=True))
        for name in _COUNTS:
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("workers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("trouble", sa.Text(), nullable=True))
    op.create_table(
        "locks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process_started", sa.Double(), nullable=False),
        sa.Column("held_since", scanner.database.columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("seen_at", scanner.database.columns.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locks")),
        sa.UniqueConstraint("purpose", name=op.f("uq_locks_purpose")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("locks")
    with op.batch_alter_table("workers", schema=None) as batch_op:
        batch_op.drop_column("trouble")
    with op.batch_alter_table("roots", schema=None) as batch_op:
        for name in (*(name for name, _ in _LEDGER), *_COUNTS):
            batch_op.drop_column(name)
