"""What evidence and near copies are found by"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "evidence_words",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name=op.f("fk_evidence_words_content_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_words")),
        sa.UniqueConstraint("content_id", "word", name=op.f("uq_evidence_words_content_id_word")),
    )
    with op.batch_alter_table("evidence_words", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_words_word_content_id"), ["word", "content_id"], unique=False)
    with op.batch_alter_table("contents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contents_fingerprint"), ["fingerprint"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("contents", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contents_fingerprint"))
    op.drop_table("evidence_words")
