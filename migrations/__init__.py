"""The schema's history, for alembic."""

# The latest revision; a test keeps it equal to alembic's head. Here, so that a start needs no alembic to compare.
HEAD = "0012"
