"""Indexes in the order of claims, for what is leased or put off, and for the scores of a label"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_GONE = (("detections", ["label"]), ("files", ["state", "pending_since"]))
_NEW = (
    ("detections", ["label", "score"]),
    ("files", ["state", "pending_since", "mtime_ns"]),
    ("files", ["lease_expires_at"]),
)


def upgrade() -> None:
    """Apply."""
    for table, columns in _GONE:
        op.drop_index(_name(table, columns), table)
    for table, columns in _NEW:
        op.create_index(_name(table, columns), table, columns)


def downgrade() -> None:
    """Undo."""
    for table, columns in _NEW:
        op.drop_index(_name(table, columns), table)
    for table, columns in _GONE:
        op.create_index(_name(table, columns), table, columns)


def _name(table: str, columns: list[str]) -> str:
    return op.f("_".join(["ix", table, *columns]))
