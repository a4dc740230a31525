#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Judge from a trace whether a request-based dm device keeps writes and flushes
in order.  Nothing is known here about how it does that: what counts is when
the block layer issued, requeued and completed requests, on the dm device and
on its paths.

  G1  When a flush is issued, every ordinary write that was issued before it is
      complete, also those that failed on a path and wait for another one.
  G2  From a flush's issue until the end of its sequence no ordinary write is
      issued.  A sequence is over when its flush is complete, the barrier I/Os
      that waited for this flush are, and the flush behind those with FUA is.
  G3  Reads are issued while a sequence runs.  They are counted; none at all
      under a load that reads is for the caller to complain about.
  G4  A flush is issued after all barrier I/Os that shared the one before, and
      a barrier I/O after its own flush.
  G5  Nothing is issued between the markers "suspended" and "resumed".

A barrier I/O is the data of a write with REQ_PREFLUSH.  blk-flush has taken
that flag and REQ_FUA away when the data is issued, hence block_getrq, which
still shows them.  A write with REQ_FUA only is an ordinary write, unless a
barrier I/O with REQ_FUA is outstanding, or the flush behind it: then it may
share that flush, as another barrier I/O.

The trace is the text of tracefs' trace or trace_pipe or of trace-cmd report,
with block_rq_issue, block_rq_complete, block_rq_requeue and block_getrq of the
dm device and the first three of the paths, in the order in which things
happened (trace_clock counter).  A user may write lines "order-check: WORD" to
trace_marker: "ignore" and "judge" enclose what is not to be judged, "suspended"
and "resumed" are for G5.

Matching is by device, operation, sector and length.  Do not write twice to the
same sectors at the same time.

Exit status: 0 in order, 1 violated, 2 cannot tell.
"""

import argparse
import re
import sys
from collections import Counter
from typing import NamedTuple

READ, FLUSH = 'R', 'F'
# What a request is ...
PLAIN, FUA, BARRIER = 'write', 'FUA write', 'barrier I/O'
# ... and where in its life
PENDING, ISSUED, REQUEUED, OWED = 'pending', 'issued', 'requeued', 'owed'


class CannotTell(Exception):
    """The trace does not allow a verdict."""


class Event(NamedTuple):
    """One line of the trace."""
    line: int
    name: str
    dev: str
    op: str
    preflush: bool
    fua: bool
    sector: int
    count: int
    error: int
    text: str


EVENT = re.compile(r'\[\d+\]\s.*?\s*([\d.]+):\s+(\w+):\s+(.*)')
REQUEST = re.compile(r'(\d+),(\d+) (\w+) (?:\d+ )?(?:\(.*?\) )?(\d+) \+ (\d+)'
                     r'(?:.* \[(-?\d+)\]$)?')
RWBS = re.compile(r'(F?)(DE|[WDRFNZ])([A-Z]*)')
LOST = re.compile(r'LOST|EVENTS DROPPED')
ENTRIES = re.compile(r'# entries-in-buffer/entries-written: (\d+)/(\d+)')
NAMES = ('block_rq_issue', 'block_rq_complete', 'block_rq_requeue',
         'block_getrq')
MARKERS = ('tracing_mark_write', 'print')


def parse_request(number, name, text):
    """The event of a line, or None if it is no read, write or flush."""
    match = REQUEST.match(text)
    if not match:
        raise CannotTell(f'line {number} is not understood: {text}')
    major, minor, rwbs, sector, count, error = match.groups()
    flags = RWBS.match(rwbs)
    # A lone F is a flush without REQ_PREFLUSH.
    preflush, op, rest = flags.groups() if flags else ('', rwbs, '')
    if op == FLUSH:
        sector = 0
    elif count == '0' and name != 'block_getrq':
        return None
    return Event(number, name, f'{major}:{minor}', op, bool(preflush),
                 'F' in rest, int(sector), int(count), int(error or 0), text)


def parse(lines):
    """Yield the events of a trace; markers have no device."""
    last = 0.0
    for number, line in enumerate(lines, 1):
        entries = ENTRIES.match(line)
        if entries and entries[1] != entries[2]:
            raise CannotTell(f'the buffer was too small: {line.strip()}')
        match = EVENT.search(line)
        if not match:
            if LOST.search(line) and not line.startswith('#'):
                raise CannotTell(f'line {number}: {line.strip()}')
            continue
        time, name, text = match.groups()
        if float(time) < last:
            raise CannotTell(f'line {number} is older than the one before')
        last = float(time)
        if name in MARKERS and text.startswith('order-check: '):
            yield Event(number, text.split()[1], '', '', False, False, 0, 0, 0,
                        text)
        elif name in NAMES:
            event = parse_request(number, name, text.strip())
            if event:
                yield event


class Request:
    """A request from its first event to its last one."""

    def __init__(self, event, kind=None):
        self.op = event.op
        self.sector = event.sector
        self.count = event.count
        self.kind = kind
        self.fua = event.fua
        self.first = event
        self.issued = event
        self.done = None
        self.state = PENDING
        self.reported = False

    def __str__(self):
        return f'{self.kind} {self.sector} + {self.count}'


class Requests:
    """Requests of one device, found by operation, sector and length."""

    def __init__(self):
        self.by_start = {}

    def __iter__(self):
        for same_start in self.by_start.values():
            yield from same_start

    def add(self, request):
        """Add a request; it may start where another one does."""
        key = request.op, request.sector
        self.by_start.setdefault(key, []).append(request)

    def remove(self, request):
        """Remove a request that is known to be there."""
        key = request.op, request.sector
        self.by_start[key].remove(request)
        if not self.by_start[key]:
            del self.by_start[key]

    def find(self, event):
        """The oldest request that this event is about, or None."""
        for request in self.by_start.get((event.op, event.sector), ()):
            if request.count == event.count:
                return request
        return None

    def take(self, event):
        """The same, removed."""
        request = self.find(event)
        if request:
            self.remove(request)
        return request

    def take_inside(self, event):
        """Remove what this event covers, return the first one or None."""
        exact = self.take(event)
        if not self.by_start:
            return exact
        end = event.sector + event.count
        merged = [r for r in self if r.op == event.op and
                  r.sector >= event.sector and r.sector + r.count <= end]
        for request in merged:
            self.remove(request)
        return exact or (merged[0] if merged else None)

    def complete(self, event):
        """Complete a part.  Return the request and whether that was all."""
        request = self.take(event)
        if request:
            return request, True
        for request in self.by_start.get((event.op, event.sector), ()):
            if request.count > event.count:
                self.remove(request)
                request.sector += event.count
                request.count -= event.count
                self.add(request)
                return request, False
        return None, False


class Round:
    """The flush commands on paths while a flush is in flight on dm."""

    def __init__(self, line=0):
        self.line = line
        self.good = 0
        self.bad = 0


class Checker:
    """Follows the requests of a dm device and of its paths."""

    def __init__(self, dm, paths):
        self.dm = dm
        self.paths = {path: Requests() for path in paths}
        # Of the dm device: got a request, issued, given back by dm
        self.pending = Requests()
        self.in_flight = Requests()
        self.requeued = Requests()
        # Flushes that dm gave back after the round was done
        self.flushed_already = Requests()
        # Flushes and barrier I/Os of the sequence that runs
        self.members = []
        # The flush that was complete last, as it was issued, and the writes
        # that were issued since
        self.last_flush = None
        self.since_flush = []
        # Those of them that need a barrier I/O to join
        self.suspects = []
        self.round = Round()
        self.judging = True
        self.judging_since = 0
        self.suspended = False
        self.sequenced = False
        self.counts = Counter()
        # So many flushes may be in flight that are not known to be: when one was
        # given back, perhaps it was another one.  That cannot be told.
        self.lookalikes = 0
        self.violations = []
        self.strays = []

    # --- what is wrong ---------------------------------------------------

    def violated(self, rule, why, *events):
        """Note a violation and the lines that show it."""
        if self.judging:
            self.violations.append((rule, why, events))

    def unmatched(self, event):
        """Note the end of a request that was not seen to start."""
        self.counts['unmatched'] += 1
        self.strays.append(event)

    def incomplete_writes(self):
        """Ordinary writes that were issued and are not complete."""
        for requests in self.in_flight, self.requeued:
            for request in requests:
                if request.kind in (PLAIN, FUA):
                    yield request

    def check_before(self, event):
        """G1 and G4, when a flush is issued on the dm device."""
        writes = sorted(self.incomplete_writes(), key=lambda r: r.issued.line)
        for write in writes:
            write.reported = True
        if writes:
            self.violated(
                'G1', f'flush while {len(writes)} writes are incomplete, '
                f'one of them {writes[0].state}', writes[0].issued, event)
        for member in self.members:
            if member.kind == BARRIER and member.state != OWED:
                self.violated('G4', f'flush before the end of {member}',
                              member.issued, event)
                break

    def check_path_before(self, event):
        """G1, when a flush command is issued to a path."""
        for path in self.paths.values():
            for write in path:
                if write.kind in (PLAIN, FUA):
                    self.violated('G1', 'flush command while a path has a '
                                  'write', write.issued, event)
                    return

    def check_after(self, write, event):
        """G2, when an ordinary write is issued on dm or on a path."""
        if self.members and not write.reported:
            write.reported = True
            member = self.members[0]
            self.violated('G2', f'{write} while {member.kind} is '
                          f'{member.state}', member.issued, event)

    def check_barrier(self, barrier, event):
        """G2 and G4, when a barrier I/O is issued.  Is it to be judged?"""
        getrq = barrier.first.line
        # Its flush may have been issued in another mode, which made it an
        # ordinary write, though flushes came since.
        if getrq < self.judging_since:
            self.suspects = []
            return False
        if not self.last_flush or self.last_flush.line < getrq:
            self.violated('G4', f'{barrier} without a flush before it',
                          barrier.first, event)
            return True
        for write in self.since_flush:
            if write.kind == FUA and barrier.fua:
                self.share_flush(write)
            elif write.kind != BARRIER:
                self.violated('G2', f'{write} between a flush and its '
                              f'{barrier}', write.issued, event)
        self.suspects = []
        return True

    def check_suspects(self):
        """G2: no barrier I/O came that these could have joined."""
        for write in self.suspects:
            self.violated('G2', f'{write} while a flush is issued',
                          write.issued)
        self.suspects = []

    def check_suspended(self, event):
        """G5, when anything is issued."""
        if self.suspended:
            self.violated('G5', 'issued while suspended', event)

    # --- the dm device ---------------------------------------------------

    def join(self, request):
        """A request becomes a member of the sequence that runs."""
        if request not in self.members:
            self.members.append(request)

    def leave(self, request):
        """A member is through, or was none."""
        if request in self.members:
            self.members.remove(request)

    def share_flush(self, write):
        """A FUA write joins the sequence, or has done so already."""
        write.kind = BARRIER
        self.counts['joined'] += 1
        if write.state in (ISSUED, REQUEUED, OWED):
            self.join(write)

    def take_flush(self, event):
        """A flush that dm gave back.  Flushes look alike: if one is complete
        though there is none in flight, what was given back was another one,
        which had not been issued."""
        return self.requeued.take(event) or self.flushed_already.take(event)

    def flushed(self, flush):
        """A flush succeeded: barrier I/Os that needed it are through."""
        self.leave(flush)
        for member in list(self.members):
            if member.state == OWED and \
                    member.done.line < flush.issued.line:
                self.leave(member)

    def issue_flush(self, event):
        """block_rq_issue of a flush on dm"""
        request = self.take_flush(event) or Request(event, 'flush')
        if not any(r.op == FLUSH for r in self.in_flight):
            self.round = Round(event.line)
            self.counts['rounds'] += 1
        self.counts['flushes'] += 1
        self.check_suspects()
        self.check_before(event)
        self.join(request)
        return request

    def issue_write(self, event):
        """block_rq_issue of a write on dm"""
        again = self.requeued.take_inside(event)
        request = again or self.pending.take(event) or Request(event, PLAIN)
        # With FUA the path needs no flush.
        request.fua = request.fua and not event.fua
        request.sector, request.count = event.sector, event.count
        request.issued = event
        request.state = ISSUED
        if request.kind == BARRIER:
            if not again:
                self.issue_barrier(request, event)
        elif request.kind == FUA and self.joins():
            self.share_flush(request)
        else:
            self.counts['writes'] += 1
            if request.kind == FUA and self.may_join():
                self.suspects.append(request)
            else:
                self.check_after(request, event)
            self.since_flush.append(request)
        return request

    def issue_barrier(self, request, event):
        """The data of a write with REQ_PREFLUSH"""
        self.counts['barriers'] += 1
        if self.check_barrier(request, event):
            self.join(request)

    def joins(self):
        """Would a FUA write that is issued now delay the next flush?"""
        return any(member.kind == BARRIER for member in self.members)

    def may_join(self):
        """Is a barrier I/O on its way perhaps, though a flush is in flight?"""
        if not self.members:
            return False
        # The round of the one in flight may be over, and it not complete yet
        return self.round_was_good() or \
            (self.last_flush and self.last_flush.line >= self.round.line)

    def issue(self, event):
        """block_rq_issue on dm"""
        self.check_suspended(event)
        if event.op == FLUSH:
            request = self.issue_flush(event)
        elif event.op == READ:
            request = self.requeued.take_inside(event) or Request(event, 'read')
            request.sector, request.count = event.sector, event.count
            self.counts['reads'] += 1
            self.counts['reads_in_sequence'] += bool(self.members)
        else:
            request = self.issue_write(event)
        request.issued = event
        request.state = ISSUED
        self.in_flight.add(request)

    def complete(self, event):
        """block_rq_complete on dm"""
        request, whole = self.in_flight.complete(event)
        if not request and event.op == FLUSH:
            request, whole = self.take_flush(event), True
        if not request:
            # Failed before it was issued, or before it was issued again
            if not self.pending.take(event) and \
               not self.requeued.take(event) and not self.is_lookalike(event):
                self.unmatched(event)
            return
        if not whole:
            return
        request.done = event
        if request.op == FLUSH:
            self.flushed(request)
            # One of before begins no sequence that is to be judged
            if request.issued.line > self.judging_since:
                self.last_flush = request.issued
                self.since_flush = list(self.suspects)
        elif request.fua and not event.error:
            request.state = OWED
        else:
            self.leave(request)

    def requeue(self, event):
        """block_rq_requeue on dm, also of what it had not issued"""
        request = self.in_flight.take(event)
        if not request and event.op == FLUSH:
            request = self.requeued.take(event)
        if not request:
            return
        self.counts['requeues'] += 1
        if request.op == FLUSH and self.requeue_flush(request):
            return
        request.state = REQUEUED
        self.requeued.add(request)

    def requeue_flush(self, flush):
        """Is it done with what it was behind?  Not with what it is before."""
        if not self.round.bad:
            self.lookalikes += 1
        if not self.round_was_good():
            return False
        self.flushed(flush)
        self.flushed_already.add(flush)
        return True

    def is_lookalike(self, event):
        """Is it a flush that was taken for one that dm had given back?"""
        if event.op != FLUSH or not self.lookalikes:
            return False
        self.lookalikes -= 1
        return True

    def round_was_good(self):
        """Did the flushes that were in flight last reach the paths?  Where paths
        have no cache there is nothing to see."""
        if self.counts['commands']:
            return self.round.good and not self.round.bad
        return not self.round.bad

    def getrq(self, event):
        """block_getrq: a request was allocated, its flags are complete."""
        self.sequenced = True
        if event.op in (READ, FLUSH) or not event.count:
            return
        if event.preflush:
            self.pending.add(Request(event, BARRIER))
        elif event.fua:
            self.pending.add(Request(event, FUA))

    # --- the paths -------------------------------------------------------

    def path_issue(self, event):
        """block_rq_issue on a path"""
        self.check_suspended(event)
        request = Request(event)
        if event.op == FLUSH:
            self.counts['commands'] += 1
            request.kind = 'flush'
            self.check_path_before(event)
        elif event.op != READ:
            owner = self.in_flight.find(event)
            request.kind = owner.kind if owner else PLAIN
            if request.kind != BARRIER:
                self.check_after(owner or request, event)
        self.paths[event.dev].add(request)

    def path_complete(self, event):
        """block_rq_complete on a path"""
        request, _ = self.paths[event.dev].complete(event)
        if not request:
            self.unmatched(event)
        elif event.op == FLUSH:
            self.round.bad += event.error != 0
            self.round.good += event.error == 0

    def path_requeue(self, event):
        """block_rq_requeue on a path"""
        self.paths[event.dev].take(event)
        self.round.bad += event.op == FLUSH

    # --- all of it -------------------------------------------------------

    def marker(self, event):
        """A line that the user wrote to trace_marker"""
        word = event.name
        if word == 'judge':
            self.judging = True
            self.judging_since = event.line
            self.members = []
            self.suspects = []
            self.last_flush = None
        elif word == 'ignore':
            self.judging = False
        elif word in ('suspended', 'resumed'):
            self.suspended = word == 'suspended'
        else:
            raise CannotTell(f'unknown marker {word}')

    def run(self, lines):
        """Follow a trace to its end."""
        on_dm = dict(zip(NAMES, (self.issue, self.complete, self.requeue,
                                 self.getrq)))
        on_path = dict(zip(NAMES, (self.path_issue, self.path_complete,
                                   self.path_requeue)))
        for event in parse(lines):
            if not event.dev:
                self.marker(event)
            elif event.dev == self.dm:
                on_dm[event.name](event)
            elif event.dev in self.paths and event.name in on_path:
                on_path[event.name](event)
        self.check_suspects()
        self.counts['unfinished'] = sum(
            len(list(requests)) for requests in
            (self.pending, self.in_flight, self.requeued,
             *self.paths.values()))
        if not self.counts['flushes']:
            raise CannotTell(f'no flush was issued on {self.dm}')
        if not self.sequenced:
            raise CannotTell(f'block_getrq of {self.dm} was not traced')

    def summary(self):
        """All counts in one line"""
        words = [f'{name}={self.counts[name]}' for name in (
            'flushes', 'rounds', 'commands', 'barriers', 'joined', 'writes',
            'reads', 'reads_in_sequence', 'requeues', 'unmatched',
            'unfinished')]
        words.append(f'violations={len(self.violations)}')
        rules = Counter(rule for rule, _, _ in self.violations)
        words += [f'{rule}={rules[rule]}' for rule in sorted(rules)]
        return ' '.join(words)


# --- self test ------------------------------------------------------------

# What is expected, that is the rules violated and the reads while a sequence
# runs; the sentence; and the trace: "path" in front of what happens on a path,
# then the event, the flags and the sector or, of a path's flush, the error.
# Writes have 8 sectors if nothing else is said.
TESTS = (
    ('', 'a flush after a write', """
        getrq W 8, issue W 8, path issue W 8, path complete W 8, complete W 8,
        getrq FWS 0, issue FF, path issue FF, path complete FF 0, complete FF,
        issue W 16, path issue W 16"""),
    ('', 'a write and its end in two parts, and dm\'s end of nothing more', """
        getrq W 8, issue W 8, complete W 8 3, complete W 11 5, complete W 16 0,
        issue FF, complete FF"""),
    ('G1', 'a flush during a write', """
        getrq W 8, issue W 8, issue FF, complete W 8, complete FF"""),
    ('G1', 'a flush during half a write', """
        getrq W 8, issue W 8, complete W 8 3, issue FF, complete W 11 5,
        complete FF"""),
    ('G1', 'a flush while a write waits for another path', """
        getrq W 8, issue W 8, requeue W 8, issue FF, complete FF, issue W 8,
        complete W 8"""),
    ('', 'a flush after a write that was requeued', """
        getrq W 8, issue W 8, requeue W 8, issue W 8, complete W 8, issue FF,
        complete FF"""),
    ('', 'a write that was requeued and merged', """
        getrq W 8, issue W 8, requeue W 8, issue W 0 24, complete W 0 24,
        issue FF, complete FF"""),
    ('', 'a write that dm gave back without issuing it', """
        getrq W 8, requeue W 8, issue FF, complete FF, requeue W 8, issue W 8,
        complete W 8"""),
    ('', 'a flush that dm gave back without issuing it, during another one', """
        getrq FWFS 8, issue FF, path issue FF, requeue FF, path complete FF 0,
        complete FF, issue WS 8, complete WS 8, issue FF, complete FF,
        issue W 16"""),
    ('', 'the same after the flush command', """
        getrq FWFS 8, issue FF, path issue FF, path complete FF 0, requeue FF,
        complete FF, issue WS 8, complete WS 8, issue FF, complete FF,
        issue W 16"""),
    ('', 'the same, and then the other one for a second time', """
        getrq FWFS 8, issue FF, complete FF, issue WS 8, complete WS 8,
        issue FF, path issue FF, requeue FF, path complete FF 0, requeue FF,
        issue W 16, complete W 16, issue FF, complete FF"""),
    ('G2', 'a write while a flush was perhaps given back', """
        getrq W 16, issue FF, path issue FF, requeue FF, issue W 16,
        path complete FF 0, complete FF, complete W 16"""),
    ('G1', 'a discard counts', """
        getrq D 8, issue D 8, issue FF, complete D 8, complete FF"""),
    ('G1', 'a flush during a FUA write', """
        getrq WFS 8, issue WS 8, issue FF, complete WS 8, complete FF"""),
    ('G1 G1', 'a flush on a path during a write on a path', """
        getrq W 8, issue W 8, path issue W 8, issue FF, path issue FF,
        path complete W 8, complete W 8, path complete FF 0, complete FF"""),
    ('G2', 'a write during a flush', """
        getrq W 8, issue FF, issue W 8, complete FF, complete W 8"""),
    ('G2', 'a write of nobody knows whom on a path during a flush', """
        getrq W 8, issue FF, path issue W 8, complete FF, path complete W 8"""),
    ('G2', 'a FUA write during a flush', """
        getrq WFS 8, issue FF, issue WS 8, complete WS 8, complete FF"""),
    ('', 'a barrier I/O', """
        getrq FWFS 8, issue FF, complete FF, issue WS 8, complete WS 8,
        issue FF, complete FF, issue W 16"""),
    ('G2', 'a write between a flush and its barrier I/O', """
        getrq FWS 8, issue FF, complete FF, issue W 16, complete W 16,
        issue WS 8, complete WS 8"""),
    ('G2', 'a write during a barrier I/O', """
        getrq FWS 8, issue FF, complete FF, issue WS 8, issue W 16,
        complete WS 8, complete W 16"""),
    ('G2', 'a write while a barrier I/O waits for another path', """
        getrq FWS 8, issue FF, complete FF, issue WS 8, requeue WS 8,
        issue W 16, complete W 16, issue WS 8, complete WS 8"""),
    ('G2', 'a write between a barrier I/O and the flush behind it', """
        getrq FWFS 8, issue FF, complete FF, issue WS 8, complete WS 8,
        issue W 16, complete W 16, issue FF, complete FF"""),
    ('', 'a write after a barrier I/O without FUA', """
        getrq FWS 8, issue FF, complete FF, issue WS 8, complete WS 8,
        issue W 16, complete W 16"""),
    ('', 'a write after a barrier I/O that failed', """
        getrq FWFS 8, issue FF, complete FF, issue WS 8, complete WS 8 8 -5,
        issue W 16, complete W 16"""),
    ('', 'a write after a barrier I/O whose device has FUA', """
        getrq FWFS 8, issue FF, complete FF, issue WFS 8, complete WFS 8,
        issue W 16, complete W 16"""),
    ('', 'a FUA write beside a barrier I/O shares its flush', """
        getrq FWFS 8, getrq WFS 16, issue FF, complete FF, issue WS 8,
        issue WS 16, complete WS 8, complete WS 16, issue FF, complete FF"""),
    ('G2', 'and nothing comes between', """
        getrq FWFS 8, getrq WFS 16, issue FF, complete FF, issue WS 8,
        issue WS 16, complete WS 8, complete WS 16, issue W 24, complete W 24,
        issue FF, complete FF"""),
    ('', 'a FUA write before the barrier I/O that it joins', """
        getrq FWFS 8, getrq WFS 16, issue FF, complete FF, issue WS 16,
        issue WS 8, complete WS 16, complete WS 8, issue FF, complete FF"""),
    ('G4', 'and a flush that does not wait for it', """
        getrq FWFS 8, getrq WFS 16, issue FF, complete FF, issue WS 16,
        issue WS 8, complete WS 8, issue FF, complete WS 16, complete FF"""),
    ('G2', 'a FUA write before a barrier I/O that no flush follows', """
        getrq FWS 8, getrq WFS 16, issue FF, complete FF, issue WS 16,
        issue WS 8, complete WS 16, complete WS 8"""),
    ('', 'a FUA write that joins one whose flush was not the last', """
        getrq FWFS 8, getrq WFS 16, issue FF, issue FF, complete FF,
        issue WS 16, complete FF, issue WS 8, complete WS 16, complete WS 8,
        issue FF, complete FF"""),
    ('G4', 'a flush that does not wait for such a one', """
        getrq FWFS 8, getrq WFS 16, issue FF, issue FF, complete FF,
        issue WS 16, complete FF, issue WS 8, complete WS 8, issue FF,
        complete WS 16, complete FF"""),
    ('', 'a FUA write that joins one whose flush is about to be complete', """
        getrq WFS 16, getrq FWFS 8, issue FF, path issue FF, path complete FF 0,
        issue WS 16, complete FF, issue WS 8, complete WS 16, complete WS 8,
        issue FF, path issue FF, path complete FF 0, complete FF"""),
    ('G2', 'a FUA write while a path flushes', """
        getrq WFS 16, getrq FWFS 8, issue FF, path issue FF, issue WS 16,
        path complete FF 0, complete FF, issue WS 8, complete WS 16,
        complete WS 8, issue FF, path issue FF, path complete FF 0,
        complete FF"""),
    ('G2', 'a FUA write that finds none to join when a flush is complete', """
        getrq WFS 16, issue FF, path issue FF, path complete FF 0, issue WS 16,
        complete FF, complete WS 16, issue FF, path issue FF,
        path complete FF 0, complete FF"""),
    ('G2', 'a FUA write that finds none to join in time', """
        getrq WFS 16, issue FF, issue FF, complete FF, issue WS 16,
        complete FF, complete WS 16, getrq FWFS 8, issue FF, complete FF,
        issue WS 8, complete WS 8, issue FF, complete FF"""),
    ('', 'a flush that waits is given back while another one is in flight', """
        getrq FWS 0, issue FF, requeue FF, issue FF, path issue FF,
        path complete FF 0, complete FF, path issue FF, path complete FF 0,
        complete FF"""),
    ('unmatched', 'one that nobody has issued', """
        getrq FWS 0, issue FF, path issue FF, path complete FF 0, complete FF,
        complete FF"""),
    ('G2', 'a write while a flush waits for another path', """
        getrq FWS 0, issue FF, path issue FF, path complete FF -5, requeue FF,
        issue W 8, complete W 8, issue FF, path issue FF, path complete FF 0,
        complete FF"""),
    ('', 'a write between the two rounds of one flush', """
        getrq FWFS 8, issue FF, path issue FF, path complete FF 0, complete FF,
        issue WS 8, complete WS 8, getrq FWFS 24,
        issue FF, path issue FF, path complete FF 0, requeue FF,
        issue W 16, complete W 16,
        issue FF, path issue FF, path complete FF 0, complete FF,
        issue WS 24, complete WS 24, issue FF, complete FF"""),
    ('read', 'reads whenever they like', """
        getrq R 8, issue R 8, issue FF, issue R 16, path issue R 16,
        path complete R 16, complete R 16, complete FF, complete R 8"""),
    ('G4', 'a flush during a barrier I/O', """
        getrq FWFS 8, issue FF, complete FF, issue WS 8, issue FF,
        complete WS 8, complete FF"""),
    ('G4', 'a barrier I/O without a flush', """
        issue FF, complete FF, getrq FWFS 8, issue WS 8, complete WS 8,
        issue FF, complete FF"""),
    ('G5', 'a read on a suspended device', """
        getrq R 8, issue FF, complete FF, mark suspended, issue R 8,
        mark resumed, complete R 8"""),
    ('', 'disorder that is ignored', """
        mark ignore, getrq W 8, issue W 8, issue FF, issue W 16, mark judge,
        issue W 24, complete FF, complete W 8, complete W 16, complete W 24"""),
    ('', 'a flush from before, whose barrier I/O comes when it is judged', """
        getrq FWFS 8, mark ignore, issue FF, mark judge, complete FF,
        issue W 16, complete W 16, issue WS 8, complete WS 8, issue FF,
        complete FF"""),
    ('', 'the same behind another flush', """
        getrq FWFS 8, mark ignore, issue FF, mark judge, complete FF,
        issue FF, complete FF, issue W 16, issue WS 8, issue W 24,
        complete W 16, complete WS 8, complete W 24, issue FF, complete FF"""),
    ('G1', 'a write from then that is not complete', """
        mark ignore, getrq W 8, issue W 8, mark judge, issue FF, complete FF,
        complete W 8"""),
    ('cannot tell', 'a trace without a flush', 'getrq W 8, issue W 8'),
    ('cannot tell', 'a trace without block_getrq', 'issue FF, complete FF'),
    ('cannot tell', 'a trace that lost events', """
        getrq FWS 0, issue FF, lost events, complete FF"""),
    ('cannot tell', 'a trace that is no longer complete', """
        overrun buffer, getrq FWS 0, issue FF, complete FF"""),
    ('cannot tell', 'a trace that is not in order', """
        getrq FWS 0, issue FF, complete FF, older line"""),
)


def spell(number, words):
    """The line of a trace for the words of an event in TESTS."""
    task = f'    kworker/0:1H-{number} [000] d.h1. {number:6}'
    if words[0] == 'mark':
        return f'{task}: tracing_mark_write: order-check: {words[1]}'
    if words[0] == 'lost':
        return 'CPU:0 [LOST 17 EVENTS]'
    if words[0] == 'overrun':
        return '# entries-in-buffer/entries-written: 10/11   #P:1'
    if words[0] == 'older':
        return '   x-1 [000] ..... 0: block_getrq: 1,1 R 8 + 8 [x]'
    dev = '253,0'
    if words[0] == 'path':
        dev, words = '8,16', words[1:]
    name, rwbs, *numbers = words
    if rwbs == 'FF':
        # Issued at 0, completed at sector_t -1
        sector = 0 if name != 'complete' else 2**64 - 1
        count, error = 0, numbers[0] if numbers else 0
    else:
        sector, count, error = (numbers + ['8', '0'])[:3]
        if rwbs == 'FWS' and sector == '0':
            count = 0
    if name == 'getrq':
        return f'{task}: block_getrq: {dev} {rwbs} {sector} + {count} [x y]'
    size = f' {int(count) * 512}' if name == 'issue' else ''
    tail = '[x y]' if name == 'issue' else f'[{error}]'
    return (f'{task}: block_rq_{name}: {dev} {rwbs}{size} () {sector} + {count}'
            f' none,0,0 {tail}')


def verdict_of(script):
    """The rules that the trace of a test violates"""
    events = ' '.join(script.split()).split(', ')
    checker = Checker('253:0', ['8:16'])
    try:
        checker.run(spell(number, event.split())
                    for number, event in enumerate(events, 1))
    except CannotTell:
        return 'cannot tell'
    if checker.counts['unmatched']:
        return 'unmatched'
    return ' '.join(sorted(rule for rule, _, _ in checker.violations) +
                    ['read'] * checker.counts['reads_in_sequence'])


def self_test():
    """Does every rule find what it has to find, and nothing else?"""
    failed = 0
    for expected, sentence, script in TESTS:
        verdict = verdict_of(script)
        if verdict != expected:
            print(f'{sentence}: "{verdict}" instead of "{expected}"')
            failed += 1
    print(f'{len(TESTS)} traces judged, {failed} wrongly')
    return 1 if failed else 0


# --- command line -----------------------------------------------------------

def check(options):
    """Judge a trace and print the verdict."""
    checker = Checker(options.dm, options.path)
    try:
        if options.trace == '-':
            checker.run(sys.stdin)
        else:
            with open(options.trace, encoding='utf-8',
                      errors='replace') as trace:
                checker.run(trace)
    except (CannotTell, OSError) as error:
        print(f'cannot tell: {error}')
        return 2
    print(checker.summary())
    for rule, why, events in checker.violations[:options.show]:
        print(f'{rule}: {why}')
        for event in events:
            print(f'  {event.line}: {event.name} {event.text}')
    for event in checker.strays[:options.show]:
        print('not seen to start:')
        print(f'  {event.line}: {event.name} {event.text}')
    return 1 if checker.violations else 0


def main():
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Judge from a trace whether a request-based dm device '
        'keeps writes and flushes in order.')
    parser.add_argument('--self-test', action='store_true',
                        help='judge traces that are known to be good or bad')
    parser.add_argument('--show', type=int, default=5, metavar='N',
                        help='show that many violations (%(default)s)')
    parser.add_argument('trace', nargs='?', help='file, - for standard input')
    parser.add_argument('dm', nargs='?', metavar='MAJOR:MINOR',
                        help='of the dm device')
    parser.add_argument('path', nargs='*', metavar='MAJOR:MINOR',
                        help='of its paths')
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    if not options.path:
        parser.error('a trace, a dm device and its paths, please')
    return check(options)


if __name__ == '__main__':
    sys.exit(main())
