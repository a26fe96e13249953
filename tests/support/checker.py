"""What was said, what was acknowledged and what was heard, and whether that is what was promised.

A test tells a Checker of every publication, acknowledgement, join and delivery as it happens; each is
kept as a Record. A reader is somebody with a memory: it may close its connection and come back as the
same reader, on its last position. Each message that concerns a reader ends in one class:

    ok          heard live, once, in its place
    recovered   heard as part of a recovery, once, in its place
    gap told    not heard, and the reader was told so (`recovered: false`, `room_reset`)
    gap silent  not heard, though something behind it was, or though a recovery said it was whole
    lost        acknowledged and never heard by a reader who stayed to the end, and who was not told
    reordered   heard behind a message that comes after it
    duplicated  heard twice, or stored twice under one id
    renamed     one position names two messages

The first three are what a server may do. `faults()` names the others, one line each.
"""

import collections
import time

Record = collections.namedtuple("Record", "kind room epoch sequence id client time")

ALLOWED = ("ok", "recovered", "gap told")
FAULTS = ("gap silent", "lost", "reordered", "duplicated", "renamed")


class Reader:
    """One client in one room."""

    def __init__(self, epoch, sequence):
        self.epoch, self.sequence = epoch, sequence
        self.holes = set()  # passed over in this epoch; what comes later is reordered
        self.here = True


class Checker:
    def __init__(self, clock=time.monotonic):
        self.clock = clock
        self.records = []
        self.counts = collections.Counter()
        self._said = []
        self._readers = {}  # (client, room)
        self._names = {}    # (room, epoch, sequence) -> id
        self._places = {}   # (room, id) -> (epoch, sequence)
        self._acked = {}    # (room, epoch) -> sequences

    def _record(self, kind, room, epoch, sequence, id, client):
        self.records.append(Record(kind, room, epoch, sequence, id, client, self.clock()))

    def _fault(self, kind, count, text):
        self.counts[kind] += count
        self._said.append(f"{kind}: {text}")

    def _name(self, room, epoch, sequence, id):
        """A message has one position and a position one message, whoever tells of them."""
        if id is None:
            return
        name = self._names.setdefault((room, epoch, sequence), id)
        if name != id:
            self._fault("renamed", 1, f"{room} {epoch}/{sequence} is {name} and {id}")
        place = self._places.setdefault((room, id), (epoch, sequence))
        if place != (epoch, sequence):
            self._fault("duplicated", 1, f"{id} is stored in {room} at {place} and {(epoch, sequence)}")

    # What a publisher sees.

    def published(self, client, room, id):
        """Before it is sent."""
        self._record("publish", room, None, None, id, client)

    def acked(self, client, room, epoch, sequence, id):
        self._record("ack", room, epoch, sequence, id, client)
        self._name(room, epoch, sequence, id)
        self._acked.setdefault((room, epoch), set()).add(sequence)

    # What a reader sees.

    def knows(self, client, room, epoch, sequence):
        """A position it has from elsewhere: what comes from here on concerns it, joined or not."""
        self._record("knows", room, epoch, sequence, None, client)
        self._readers[client, room] = Reader(epoch, sequence)

    def position(self, client, room):
        """(epoch, sequence) of what it heard last, to recover from; None for one who was never here."""
        reader = self._readers.get((client, room))
        return reader and (reader.epoch, reader.sequence)

    def joined(self, client, room, epoch, sequence, recovered=None, messages=()):
        """`recovered` and `messages`, [(sequence, id)], are the answer to one who said where it was;
        None is that of a newcomer, who has missed nothing."""
        kind = {None: "join", True: "recovery", False: "restart"}[recovered]
        self._record(kind, room, epoch, sequence, None, client)
        reader = self._readers.get((client, room))
        if reader is None or recovered is None:
            if reader is not None:
                self._settle(client, room, reader)
            self._readers[client, room] = Reader(epoch, sequence)
            return
        reader.here = True
        if not recovered:
            self._tell(client, room, reader, epoch, sequence)
            if messages:
                self._fault("gap silent", 1, f"{client} in {room} got a part and was told it is none: {messages}")
            return
        if epoch != reader.epoch:
            self._fault("gap silent", 1, f"{client} in {room} recovered {reader.epoch} from {epoch}")
            reader.epoch, reader.sequence = epoch, sequence
            return
        for number, id in messages:
            self._hear(client, room, reader, epoch, number, id, "recovered")
        if reader.sequence < sequence:
            self._pass_over(reader, sequence + 1)
            reader.sequence = sequence
        elif reader.sequence > sequence:
            self._fault("duplicated", 1, f"{client} in {room} heard {reader.sequence}, where {sequence} is the last")

    def reset(self, client, room, epoch, sequence):
        """`room_reset`, or whatever else says on a live connection that something is missing."""
        self._record("reset", room, epoch, sequence, None, client)
        self._tell(client, room, self._readers[client, room], epoch, sequence)

    def delivered(self, client, room, sequence, id, epoch=None):
        """Live. The messages of a room do not repeat its epoch: it is the one of the reader's join."""
        reader = self._readers.get((client, room))
        if reader is None:
            self._record("delivery", room, epoch, sequence, id, client)
            self._fault("reordered", 1, f"{client} heard {sequence} of {room} before it had joined")
            return
        self._hear(client, room, reader, epoch or reader.epoch, sequence, id, "ok")

    def left(self, client, room=None):
        """Gone, by will or by accident: until it is back nothing is owed to it."""
        for (who, where), reader in self._readers.items():
            if who == client and room in (None, where):
                reader.here = False

    # What follows from it.

    def _hear(self, client, room, reader, epoch, sequence, id, kind):
        self._record("delivery", room, epoch, sequence, id, client)
        self._name(room, epoch, sequence, id)
        if epoch != reader.epoch:
            self._fault("gap silent", 1, f"{client} in {room} went from {reader.epoch} to {epoch} unsaid")
            reader.epoch, reader.sequence = epoch, sequence
        elif sequence > reader.sequence:
            self._pass_over(reader, sequence)
            reader.sequence = sequence
            self.counts[kind] += 1
        elif sequence in reader.holes:
            reader.holes.discard(sequence)
            self._fault("reordered", 1, f"{client} in {room} heard {sequence} behind {reader.sequence}")
        else:
            self._fault("duplicated", 1, f"{client} in {room} heard {sequence} again, being at {reader.sequence}")

    @staticmethod
    def _pass_over(reader, sequence):
        reader.holes.update(range(reader.sequence + 1, sequence))

    def _tell(self, client, room, reader, epoch, sequence):
        self._settle(client, room, reader)
        if epoch == reader.epoch:
            self.counts["gap told"] += max(sequence - reader.sequence, 0)
        else:
            top = max(self._acked.get((room, reader.epoch), ()), default=0)
            self.counts["gap told"] += max(top - reader.sequence, 0)
        reader.epoch, reader.sequence = epoch, sequence

    def _settle(self, client, room, reader):
        """What was passed over does not come any more."""
        if reader.holes:
            some = sorted(reader.holes)[:5]
            self._fault("gap silent", len(reader.holes),
                        f"{client} in {room} never heard {some}, being at {reader.sequence}")
            reader.holes.clear()

    def faults(self):
        """At the end, when all that was under way has come. Every line is a broken promise."""
        for (client, room), reader in self._readers.items():
            self._settle(client, room, reader)
            if not reader.here:
                continue
            lost = [n for n in self._acked.get((room, reader.epoch), ()) if n > reader.sequence]
            if lost:
                self._fault("lost", len(lost), f"{client} in {room} never heard {sorted(lost)[:5]}, "
                                               f"acknowledged, being at {reader.sequence}")
                reader.sequence = max(lost)
        return list(self._said)

    def summary(self):
        return ", ".join(f"{kind} {self.counts[kind]}" for kind in ALLOWED + FAULTS)

    def tell(self, say=print):
        """The figures, and an AssertionError with the first faults if there are some."""
        faults = self.faults()
        say(f"# {self.summary()}")
        if faults:
            raise AssertionError(f"{len(faults)} faults ({self.summary()}):\n" + "\n".join(faults[:20]))
