"""By time, the queue goes from verdict to verdict without the rows of the files"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.drop_index(op.f("ix_files_finished_at"), "files")
    op.create_index(op.f("ix_files_finished"), "files", ["finished_at", "id", "detection_id", "state"])


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f("ix_files_finished"), "files")
    op.create_index(op.f("ix_files_finished_at"), "files", ["finished_at"])
