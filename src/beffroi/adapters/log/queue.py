"""Group commit: one thread makes durable, together, what several threads bring at once."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from beffroi.evidence.limits import BATCH_ENTRIES_MAX, QUEUE_ENTRIES_MAX
from beffroi.ports.log_store import LogError

# After a commit that served several, their next entries come at once, but one by one: without a
# breath the first would go to disk alone. Measured with 8 writers: twice as many entries a second.
LINGER_S = 0.001


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that stay behind each other. `payloads`: (place within the batch, salt, data)."""

    entries: Sequence[bytes]
    payloads: Sequence[tuple[int, bytes, bytes]] = ()
    done: Future[int] = field(default_factory=Future)


class Commits:
    """`commit(batches)` is called on one thread and answers with each batch's first index."""

    def __init__(self, commit: Callable[[Sequence[Batch]], list[int]]) -> None:
        self._commit = commit
        self._waiting: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._count = 0  # entries between `put` and the answer
        self._turn = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="evidence-log", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> int:
        """The index of its first entry, when durable. What `commit` raised is raised here."""
        with self._turn:
            if self._closed:
                raise LogError("the log is closed")
            if self._count and self._count + len(batch.entries) > QUEUE_ENTRIES_MAX:
                raise LogError(f"{self._count} entries already wait for the disk: try again later")
            self._count += len(batch.entries)
            self._waiting.put(batch)
        try:
            return batch.done.result()
        finally:
            with self._turn:
                self._count -= len(batch.entries)

    def _run(self) -> None:
        ended, batches = False, list[Batch]()
        while not ended:
            if len(batches) > 1:
                time.sleep(LINGER_S)
            batches, ended = self._gather()
            if not batches:
                continue
            try:
                firsts = self._commit(batches)
            except BaseException as error:  # noqa: BLE001 - handed to those who wait for it
                for batch in batches:
                    batch.done.set_exception(error)
                continue
            for batch, first in zip(batches, firsts, strict=True):
                batch.done.set_result(first)

    def _gather(self) -> tuple[list[Batch], bool]:
        """All that waits, up to the bound; and whether it is the end."""
        batches: list[Batch] = []
        count = 0
        one = self._waiting.get()
        while one is not None:
            batches.append(one)
            count += len(one.entries)
            if count >= BATCH_ENTRIES_MAX or self._waiting.empty():
                return batches, False
            one = self._waiting.get()
        return batches, True

    def close(self) -> None:
        with self._turn:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()
