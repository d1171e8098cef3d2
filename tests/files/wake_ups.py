"""What waits in a queue of wake-ups."""

from celery import Celery

from scanner.jobs.wake_up import QUEUE


def received(app: Celery) -> list[str]:
    """The tasks named by all messages that wait, which are gone then."""
    names = []
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        channel.queue_declare(QUEUE, durable=True, auto_delete=False)
        while (message := channel.basic_get(QUEUE, no_ack=True)) is not None:
            names.append(message.headers["task"])
    return names
