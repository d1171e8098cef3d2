"""The tables. Verdicts and reviews hang on the content, not on the path: moved and copied files keep theirs."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from .columns import PathText, UtcDateTime


class Base(DeclarativeBase):
    """Constraint names are fixed, so that migrations can name them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JSON(none_as_null=True), list[Any]: JSON(none_as_null=True)}  # noqa: RUF012  (SQLAlchemy reads it so)


class Root(Base):
    """A watched folder, and the ledger of how it is watched.

    `device` and `inode` are those of the folder itself (stat(2), on the host that watches it), the device with "mount " before
    it where something is mounted there; inside another root such a folder is a root of its own. While `paused_at` is set the
    folder is not what it was (unmounted, renamed, unplugged) and nothing in it is read or marked. `watched_on` is the machine
    that watches it, and alone says that a file in it is missing.
    """

    __tablename__ = "roots"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(PathText(), unique=True)
    added_at: Mapped[datetime]
    swept_at: Mapped[datetime | None]
    swept_seconds: Mapped[float | None]
    mode: Mapped[str | None] = mapped_column(String(16))
    mode_reason: Mapped[str | None] = mapped_column(Text)
    overflows: Mapped[int] = mapped_column(default=0)
    found_by_events: Mapped[int] = mapped_column(default=0)
    found_by_sweep: Mapped[int] = mapped_column(default=0)
    device: Mapped[str | None] = mapped_column(String(32))
    inode: Mapped[str | None] = mapped_column(String(32))
    paused_at: Mapped[datetime | None]
    paused_reason: Mapped[str | None] = mapped_column(Text)
    watched_on: Mapped[str | None] = mapped_column(String(255))


class Content(Base):
    """The bytes of a file, by their sha256 (hex). Width and height are in pixels, as stored (before EXIF orientation).

    `evidence` is what the file says of its origin (`scanner.domain.evidence`), None where it was not looked for; `fingerprint` a
    perceptual hash of 64 bits, as a signed number.
    """

    __tablename__ = "contents"
    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str | None] = mapped_column(String(16))
    width: Mapped[int | None]
    height: Mapped[int | None]
    evidence: Mapped[list[Any] | None]
    fingerprint: Mapped[int | None] = mapped_column(BigInteger, index=True)
    first_seen_at: Mapped[datetime]


class EvidenceWord(Base):
    """A word that a content is found by for its evidence (`scanner.domain.evidence.filed_under`)."""

    __tablename__ = "evidence_words"
    __table_args__ = (UniqueConstraint("content_id", "word"), Index(None, "word", "content_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    content_id: Mapped[int] = mapped_column(ForeignKey("contents.id"))
    word: Mapped[str] = mapped_column(String(16))


class Model(Base):
    """A checkpoint that has given verdicts, by the sha256 (hex) of its file; `card` is its own description."""

    __tablename__ = "models"
    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    card: Mapped[dict[str, Any]]
    first_used_at: Mapped[datetime]


class Detection(Base):
    """One model's finding on one content, looked at in one way: `made_with` (`scanner.domain.asked`).

    `seconds` is its share of the network's time for its batch. What the score rests on (`basis` to `frames`) is described in
    `scanner.domain.prediction`. `decision` is what stands of the reviews of the content, "" where nothing does: whoever adds a
    review or a detection writes it in the same transaction.
    """

    __tablename__ = "detections"
    # Each tab of the review queue is paged by score and by disagreement, counted by label, and asked for a label's lowest and
    # highest score. What it decides by stands in the indexes of its orders: rows that no page shows need not be read.
    __table_args__ = (
        UniqueConstraint("content_id", "model_id", "made_with"),
        Index("ix_detections_decision_score", "decision", "score", "label", "model_id", "content_id"),
        Index("ix_detections_label_decision", "label", "decision", "score", "model_id", "content_id"),
        Index("ix_detections_decision_disagreement", "decision", "disagreement", "label", "score", "model_id", "content_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    content_id: Mapped[int] = mapped_column(ForeignKey("contents.id"))
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), index=True)
    made_with: Mapped[str] = mapped_column(String(32))
    score: Mapped[float]
    threshold: Mapped[float]
    band_low: Mapped[float]
    label: Mapped[str] = mapped_column(String(16))
    basis: Mapped[str] = mapped_column(String(16))
    faces: Mapped[list[Any] | None]
    stable: Mapped[bool | None]
    branches: Mapped[dict[str, Any] | None]
    disagreement: Mapped[float | None]
    frames: Mapped[list[Any] | None]
    device: Mapped[str] = mapped_column(String(64))
    scanned_at: Mapped[datetime]
    seconds: Mapped[float]
    decision: Mapped[str] = mapped_column(String(16), server_default="")


class File(Base):
    """A path and where it stands. `finished_at` is when it last got a verdict or a reason.

    A pending row with `lease_expires_at` in the future is in a worker's hands (`lease_owner`), or waits until then if no one
    owns it. What shapes its verdict is part of the job: `asked_model` (sha256, hex), `asked_faces`, `asked_videos`; None leaves
    that to the worker. `host` is the machine that took it in.

    `inode` and `ctime_ns` say which file it was (`scanner.roots.file_identity`). Where they are others at the same size and
    date, the row is pending until its content is read, and where that is the same, it becomes `state_if_same` again.
    """

    __tablename__ = "files"
    # Claims go by the first, in its order; what is put off or leased is found by the last. The queue by time goes along the
    # second from verdict to verdict, and reads the rows of those files only that it shows.
    __table_args__ = (
        Index(None, "state", "pending_since", "mtime_ns"),
        Index("ix_files_finished", "finished_at", "id", "detection_id", "state"),
        Index(None, "lease_expires_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    root_id: Mapped[int | None] = mapped_column(ForeignKey("roots.id"), index=True)
    path: Mapped[str] = mapped_column(PathText(), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    pending_since: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(100), index=True)
    lease_expires_at: Mapped[datetime | None]
    content_id: Mapped[int | None] = mapped_column(ForeignKey("contents.id"), index=True)
    detection_id: Mapped[int | None] = mapped_column(ForeignKey("detections.id"), index=True)
    error_kind: Mapped[str | None] = mapped_column(String(32))
    error: Mapped[str | None] = mapped_column(Text)
    finished_at: Mapped[datetime | None]
    asked_model: Mapped[str | None] = mapped_column(String(64))
    asked_faces: Mapped[bool | None]
    asked_videos: Mapped[bool | None]
    host: Mapped[str | None] = mapped_column(String(255))
    inode: Mapped[int | None] = mapped_column(BigInteger)
    ctime_ns: Mapped[int | None] = mapped_column(BigInteger)
    state_if_same: Mapped[str | None] = mapped_column(String(16))


class Review(Base):
    """A person's decision on a content. Append-only; the latest counts, and taking one back appends, too."""

    __tablename__ = "reviews"
    __table_args__ = (Index(None, "content_id", "id", "decision"),)  # the latest of a content is asked for most
    id: Mapped[int] = mapped_column(primary_key=True)
    content_id: Mapped[int] = mapped_column(ForeignKey("contents.id"))
    decision: Mapped[str] = mapped_column(String(16))
    reviewer: Mapped[str] = mapped_column(String(100))
    note: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class Worker(Base):
    """A worker process that reported in. `seen_at` is its last sign of life; `trouble` is what keeps it from working."""

    __tablename__ = "workers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    device: Mapped[str] = mapped_column(String(200))
    model: Mapped[str] = mapped_column(String(100))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    trouble: Mapped[str | None] = mapped_column(Text)
    model_sha256: Mapped[str | None] = mapped_column(String(64))


class Lock(Base):
    """What only one process may do at a time (`purpose`), and who does it. `process_started` is in seconds since the epoch.

    `boot` tells one start of a machine from another, `namespace` where its process numbers hold (a container has its own).
    """

    __tablename__ = "locks"
    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32), unique=True)
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    process_started: Mapped[float]
    held_since: Mapped[datetime]
    seen_at: Mapped[datetime]
    boot: Mapped[str | None] = mapped_column(String(64))
    namespace: Mapped[str | None] = mapped_column(String(64))


class SavedFilter(Base):
    """A filter of the review queue under a name; `criteria` is what `scanner.review.criteria` writes."""

    __tablename__ = "saved_filters"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    criteria: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]


class Removal(Base):
    """A file that a person has moved to quarantine or trash: the journal that is written before anything moves.

    `host` is the machine whose folders the paths mean. Size in bytes; times as os.stat gives them. `note` is why it was
    abandoned, else the real path of the file's folder where links led to it.
    """

    __tablename__ = "removals"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), index=True)
    host: Mapped[str] = mapped_column(String(255))
    original_path: Mapped[str] = mapped_column(PathText())
    kept_path: Mapped[str | None] = mapped_column(PathText())
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    atime_ns: Mapped[int] = mapped_column(BigInteger)
    reviewer: Mapped[str] = mapped_column(String(100))
    note: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
