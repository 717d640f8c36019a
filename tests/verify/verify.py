"""Checks a bundle without any code of Codex: every signature, payload hash, chain, `seen`, the founding, the receipts and
the attachments. Written from docs/journal-format.md and docs/bundle-format.md alone; needs PyNaCl and blake3.

    verify.py FILE [FOLDER] [--tokens FOLDER]        prints JSON; exit code 0 if all is good, 1 if not, 2 for wrong usage

With --tokens, every timestamp's token is written to that folder as ID.der, so that the authority's signature can be checked too:

    openssl ts -verify -digest ROOT -token_in -in ID.der -CAfile ROOT-CERTIFICATE.pem [-untrusted TSA-CERTIFICATE.pem]

where ROOT is the `root` that is printed. Here it is checked that the token is over that root, and that each seal is in its tree.

Seals are listed with what was signed; with the notebook's FOLDER, also whether the files there are still that (`in_folder`), and where in it the
same bytes lie if not there (`now_at`): a file that was only renamed or moved. Which records count, by what their authors might write, is not judged here.
"""

import hashlib
import json
import os
import sys
import unicodedata

if {"--help", "-h"} & set(sys.argv[1:]):
    print(__doc__)
    sys.exit(0)

try:
    from blake3 import blake3
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey
except ImportError as error:
    print(f"verify.py: {error}; install it with `pip install PyNaCl blake3`", file=sys.stderr)
    sys.exit(2)

MAGIC = b"codex bundle 1\0"
HEADER_BYTES = 262144
RECORD_BYTES = 16777216
FRAME_BYTES = 17040384
BUNDLE_CHUNK_BYTES = 1048576
RECORD_ITEMS = 256
SEEN_TIPS = 4096
RECEIPTS = 4096
RECEIPT_BLOBS = 1024
NAME_BYTES = 255
BRANCHES = 4096
MEANING_BYTES = 1024
SEAL_PARTS = 1024
SEALERS = 1024
COMMENT_BYTES = 65536
QUOTE_BYTES = 1024
AROUND_BYTES = 64
TIMESTAMP_SEALS = 4096
TIMESTAMP_TOKEN_BYTES = 65536
PATH_BYTES = 4096
ZEROS = bytes(32)


class Unreadable(Exception):
    """Bytes that are not what they should be."""


class Cursor:
    """Reads postcard, front to back."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Unreadable("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def unsigned(self, bits):
        value = 0
        for n in range((bits + 6) // 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << (7 * n)
            if byte < 0x80:
                if value >> bits:
                    raise Unreadable(f"a number has more than {bits} bits")
                return value
        raise Unreadable("a number has no end")

    def signed(self):
        value = self.unsigned(64)
        return (value >> 1) ^ -(value & 1)

    def sequence(self):
        return self.take(self.unsigned(64))

    def string(self):
        try:
            return self.sequence().decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unreadable("a text is not UTF-8") from error

    def many(self, most, item):
        count = self.unsigned(64)
        if count > most:
            raise Unreadable(f"{count} items are more than {most}")
        return [item(self) for _ in range(count)]

    def signature(self):
        signature = self.sequence()
        if len(signature) != 64:
            raise Unreadable("a signature has not 64 bytes")
        return signature

    def end(self):
        if self.at != len(self.data):
            raise Unreadable("something follows its end")


def tip(cursor):
    """A Tip: journal, seq, hash."""
    journal = (cursor.take(32), cursor.unsigned(64))
    return journal, cursor.unsigned(64), cursor.take(32)


def header_of(data):
    """A record's header."""
    c = Cursor(data)
    header = {"format": c.unsigned(16)}
    if header["format"] != 1:
        raise Unreadable(f"format {header['format']} is not known")
    header["notebook"] = c.take(32)
    header["journal"] = (c.take(32), c.unsigned(64))
    header["seq"] = c.unsigned(64)
    header["previous"] = c.take(32)
    header["seen"] = c.many(SEEN_TIPS, tip)
    header["membership"] = c.many(SEEN_TIPS, tip)
    header["time"] = c.signed()
    header["kind"] = c.unsigned(16)
    header["payload_hash"] = c.take(32)
    header["payload_size"] = c.unsigned(32)
    c.end()
    return header


def is_signed(key, said, signature):
    """Whether the signature is the key's, over these bytes."""
    try:
        VerifyKey(key).verify(said, signature)
        return True
    except (BadSignatureError, ValueError):
        return False


def derived(context, data):
    """BLAKE3 in derive-key mode."""
    return blake3(data, derive_key_context=context).digest()


def birth(data, notebook):
    """A birth; raises if it is none of this notebook."""
    c = Cursor(data)
    if c.unsigned(16) != 1:
        raise Unreadable("the format of a birth is not known")
    if c.take(32) != notebook:
        raise Unreadable("a birth is of another notebook")
    c.take(32)
    c.string()
    kind = c.unsigned(32)
    if kind in (0, 3):
        c.string()
    elif kind == 1:
        c.take(32)
        c.unsigned(64)
    elif kind != 2:
        raise Unreadable(f"content {kind} of a birth is not known")
    c.unsigned(64)
    c.end()


def change(data, device, volume, branch):
    """A raw Automerge change, by the actor that belongs to its author."""
    c = Cursor(data)
    if c.take(4) != b"\x85\x6f\x4a\x83":
        raise Unreadable("a change is no Automerge chunk")
    checksum, start = c.take(4), c.at
    if c.take(1) != b"\x01":
        raise Unreadable("a chunk is no uncompressed change")
    c.sequence()
    c.end()
    if hashlib.sha256(data[start:]).digest()[:4] != checksum:
        raise Unreadable("the checksum of a change is another")
    c = Cursor(data[start + 1 :])
    c.unsigned(64)
    c.many(len(data), lambda c: c.take(32))
    said = device + volume.to_bytes(8, "big") + branch.to_bytes(4, "big")
    if c.sequence() != derived("codex 2026 actor", said)[:16]:
        raise Unreadable("a change has the actor of somebody else")


def statement(data):
    """A payload of kind 2: its number, and the nonce of a founding."""
    c = Cursor(data)
    kind, nonce = c.unsigned(32), None

    def role(c):
        if c.unsigned(32) > 3:
            raise Unreadable("a role is not known")

    if kind == 0:
        nonce = c.take(16)
        c.string()
        c.string()
    elif kind == 1:
        c.take(32)
        role(c)
        c.string()
    elif kind == 2:
        c.take(32)
        c.string()
        c.sequence()
    elif kind == 3:
        c.take(32)
        option = c.take(1)[0]
        if option > 1:
            raise Unreadable("an option is neither 0 nor 1")
        if option:
            role(c)
        c.many(len(data), tip)
    elif kind == 4:
        c.take(32)
        c.many(len(data), tip)
    elif kind == 5:
        c.string()
        c.take(3)
    elif kind == 6:
        c.take(32)
    elif kind == 7:
        c.take(64)
        c.string()
        c.sequence()
        c.sequence()
    elif kind == 8:
        c.many(len(data), tip)
    elif kind == 9:
        if c.unsigned(32) == 0:
            raise Unreadable("a rule asks for nobody")
        c.many(SEALERS, lambda c: c.take(32))
    else:
        raise Unreadable(f"statement {kind} is not known")
    c.end()
    return kind, nonce


def option(c):
    """Whether a value follows."""
    found = c.take(1)[0]
    if found > 1:
        raise Unreadable("an option is neither 0 nor 1")
    return found == 1


def bounded(text, most):
    if len(text.encode()) > most:
        raise Unreadable("a text of a seal or comment is too long")
    return text


def path_of(c):
    """Names from the notebook's top, `/` between them."""
    path = bounded(c.string(), PATH_BYTES)
    names = path.split("/")
    if any(name in ("", ".", "..") or "\0" in name or len(name.encode()) > NAME_BYTES for name in names):
        raise Unreadable("a path of a seal names nothing")
    return path


def seal(data):
    """A payload of kind 3: what is sealed, or which seal is confirmed."""
    c = Cursor(data)
    kind, entry = c.unsigned(32), c.take(32)
    if kind == 0:
        version = c.many(SEEN_TIPS, lambda c: c.take(32))
        path, hash_, size = path_of(c), c.take(32), c.unsigned(64)
        text = c.string().encode() if option(c) else None

        def part(c):
            return (c.take(32), path_of(c), c.take(32), c.unsigned(64))

        parts, meaning = c.many(SEAL_PARTS, part), bounded(c.string(), MEANING_BYTES)
        locks = option(c)
        c.end()
        if text is not None and (len(text) != size or blake3(text).digest() != hash_):
            raise Unreadable("the sealed text is not the one that its hash names")
        found = {"version": version, "path": path, "hash": hash_, "size": size, "text": text, "parts": parts}
        found.update(locks=locks)
    elif kind in (1, 2):
        found = {"seal": c.take(32), "unlocks": kind == 2}
        meaning = bounded(c.string(), MEANING_BYTES)
        c.end()
    else:
        raise Unreadable(f"seal {kind} is not known")
    if not meaning.strip() or any(unicodedata.category(letter) == "Cc" for letter in meaning):
        raise Unreadable("a seal means nothing, or holds control characters")
    return {"entry": entry, "meaning": meaning, **found}


def comment(data):
    """Checks a payload of kind 5: a thread, an answer, or what becomes of one."""
    c = Cursor(data)
    kind, _ = c.unsigned(32), c.take(32)
    text, turn = None, 1
    if kind == 0:
        if option(c):
            c.many(SEEN_TIPS, lambda c: c.take(32))
            start, end = c.unsigned(32), c.unsigned(32)
            quote = bounded(c.string(), QUOTE_BYTES)
            bounded(c.string(), AROUND_BYTES), bounded(c.string(), AROUND_BYTES)
            if start >= end or not quote:
                raise Unreadable("a comment is about no passage")
        text = c.string()
    elif kind == 1:
        c.take(32)
        text = c.string()
    elif kind == 2:
        c.take(32), option(c)
        turn = c.unsigned(32)
    elif kind == 3:
        c.take(32)
        text = c.string() if option(c) else None
        turn = c.unsigned(32)
    else:
        raise Unreadable(f"comment {kind} is not known")
    c.end()
    if turn == 0:
        raise Unreadable("a comment changes for the zeroth time")
    if text is not None:
        bounded(text, COMMENT_BYTES)
        if not text.strip() or any(unicodedata.category(letter) == "Cc" and letter not in "\n\t" for letter in text):
            raise Unreadable("a comment says nothing, or holds control characters")


def timestamp(data):
    """A payload of kind 4: hashes of seals' records, journals' ends as they stand, a token."""
    c = Cursor(data)

    def end(c):
        start = c.at
        journal, seq, hash_ = tip(c)
        return (*journal, seq, hash_), c.data[start : c.at]

    seals, ends = c.many(TIMESTAMP_SEALS, lambda c: c.take(32)), c.many(SEEN_TIPS, end)
    token = c.sequence()
    c.end()
    order = [key for key, _ in ends]
    if not seals or seals != sorted(set(seals)) or order != sorted(set(order)):
        raise Unreadable("a timestamp names no seal, or something twice or out of order")
    if not 0 < len(token) <= TIMESTAMP_TOKEN_BYTES:
        raise Unreadable("the token of a timestamp is empty or too long")
    return {"seals": seals, "ends": [data for _, data in ends], "token": token}


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tree_over(leaves):
    """The levels of a tree of RFC 6962, from the leaves up: what has nothing beside it goes up as it is."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = range(0, len(below) - 1, 2)
        levels.append([sha256(b"\1", below[at], below[at + 1]) for at in pairs] + below[len(below) & ~1 :])
    return levels


def path_of_leaf(levels, index):
    """The hashes beside a leaf's way to the root, from the leaf up."""
    path = []
    for level in levels:
        if (index ^ 1) < len(level):
            path.append(level[index ^ 1])
        index >>= 1
    return path


def climbed(leaf, index, count, path):
    """The root that a leaf and the hashes beside its way lead to: RFC 9162, section 2.1.3.2."""
    at, last, found = index, count - 1, leaf
    for beside in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = sha256(b"\1", beside, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = sha256(b"\1", found, beside)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


class Der:
    """Reads DER, front to back: as much of it as a token takes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def next(self, tag):
        """The content of the next element, which has this tag."""
        found, content = self.any()
        if found != tag:
            raise Unreadable(f"its DER has tag {found:#x} where {tag:#x} is expected")
        return content

    def any(self):
        length, start = self.byte(1), self.at + 2
        if length & 0x80:
            count = length & 0x7F
            if not 0 < count <= 4:
                raise Unreadable("a length in its DER is no length")
            length = int.from_bytes(self.data[start : start + count], "big")
            start += count
        tag = self.byte(0)
        if start + length > len(self.data):
            raise Unreadable("its DER ends too early")
        self.at = start + length
        return tag, self.data[start : self.at]

    def byte(self, ahead):
        if self.at + ahead >= len(self.data):
            raise Unreadable("its DER ends too early")
        return self.data[self.at + ahead]


SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
TST_INFO = bytes.fromhex("2a864886f70d0109100104")
SHA256_OID = bytes.fromhex("608648016503040201")


def token_says(token):
    """The message imprint and the time in a token. Who signed it is not looked at."""
    outer = Der(Der(token).next(0x30))
    if outer.next(0x06) != SIGNED_DATA:
        raise Unreadable("the token is not signed data")
    signed = Der(Der(outer.next(0xA0)).next(0x30))
    signed.next(0x02)
    signed.next(0x31)
    content = Der(signed.next(0x30))
    if content.next(0x06) != TST_INFO:
        raise Unreadable("what the token signs is no timestamp")
    info = Der(Der(Der(content.next(0xA0)).next(0x04)).next(0x30))
    info.next(0x02)
    info.next(0x06)
    imprint = Der(info.next(0x30))
    if Der(imprint.next(0x30)).next(0x06) != SHA256_OID:
        raise Unreadable("the token's imprint is not of SHA-256")
    hashed = imprint.next(0x04)
    info.next(0x02)
    return hashed, info.next(0x18).decode("ascii", "replace")


def place_in(part):
    """The place that the header in the beginning of a damaged record says."""
    try:
        c = Cursor(part)
        if c.unsigned(32) != 1:
            return None
        header = header_of(c.sequence())
        return header["journal"], header["seq"]
    except Unreadable:
        return None


class Bundle:
    """What was found in a bundle."""

    def __init__(self):
        self.faults, self.notes = [], []
        self.head = None
        self.stage, self.ended = 0, False
        self.base, self.goal = {}, {}
        self.hashes = {}
        self.next = {}
        self.records = self.receipts = self.blobs = 0
        self.blob = None
        self.founded = False
        self.forked = set()
        self.seals, self.witnesses = {}, []
        self.timestamps = {}
        self.blob_hashes = set()

    def fault(self, reason, place=None, offset=None):
        found = {"device": None, "volume": None, "seq": None, "offset": offset, "reason": reason}
        if place:
            (device, volume), seq = place
            found.update(device=device.hex(), volume=str(volume), seq=seq)
        self.faults.append(found)

    def note(self, place, reason):
        (device, volume), seq = place
        self.notes.append({"device": device.hex(), "volume": str(volume), "seq": seq, "reason": reason})

    def part(self, data, offset):
        c = Cursor(data)
        kind = c.unsigned(32)
        if self.head is None and kind != 0:
            raise Unreadable("the first part is no head")
        if kind == 0:
            self.take_head(c)
            return
        if kind not in (1, 2, 3, 4, 5, 6):
            raise Unreadable(f"part {kind} is not known")
        stage = {4: 3, 6: 1}.get(kind, kind)
        if stage < self.stage or self.ended:
            self.fault("the parts are in a wrong order", offset=offset)
        self.stage = max(stage, self.stage)
        if kind in (3, 5) and self.blob:
            self.fault(f"attachment {self.blob[0].hex()} lacks {self.blob[1]} bytes", offset=offset)
            self.blob = None
        if kind == 1:
            self.take_record(c, offset)
        elif kind == 2:
            for receipt in c.many(RECEIPTS, self.receipt):
                self.take_receipt(receipt, offset)
            c.end()
        elif kind == 3:
            self.blob = [c.take(32), c.unsigned(64), blake3()]
            self.blobs += 1
            c.end()
            self.take_bytes(b"", offset)
        elif kind == 4:
            data = c.sequence()
            c.end()
            if len(data) > BUNDLE_CHUNK_BYTES:
                raise Unreadable("a part of an attachment is too long")
            self.take_bytes(data, offset)
        elif kind == 6:
            self.take_fork(c, offset)
        else:
            c.end()
            self.ended = True

    def take_head(self, c):
        if self.head is not None:
            raise Unreadable("it has a second head")
        head = {"notebook": c.take(32), "name": c.string(), "maker": c.take(32), "made": c.signed()}
        base, tips = c.many(SEEN_TIPS, tip), c.many(SEEN_TIPS, tip)
        head["blobs"] = c.unsigned(64)
        c.end()
        if len(head["name"].encode()) > NAME_BYTES:
            raise Unreadable("the name is too long")
        self.head = head
        self.base = {journal: (seq, hash_) for journal, seq, hash_ in base}
        self.goal = {journal: (seq, hash_) for journal, seq, hash_ in tips}
        twice = len(self.base) < len(base) or len(self.goal) < len(tips)
        if twice or any(self.goal.get(j, (0,))[0] < seq for j, (seq, _) in self.base.items()):
            raise Unreadable("the head contradicts itself")
        for journal, (seq, hash_) in self.base.items():
            self.hashes[journal] = {seq: hash_}
            self.next[journal] = seq + 1

    def take_fork(self, c, offset):
        """Two signed headers for one place."""

        def side():
            header, signature, _ = c.sequence(), c.signature(), c.sequence()
            return header, signature

        sides = [side(), side()]
        c.end()
        if any(len(header) > HEADER_BYTES for header, _ in sides):
            raise Unreadable("a record is too large")
        places = []
        for data, signature in sides:
            header = header_of(data)
            places.append((header["journal"], header["seq"]))
            is_ours = header["notebook"] == self.head["notebook"] and header["seq"] > 0
            if not is_ours or not is_signed(header["journal"][0], b"codex record 1\0" + data, signature):
                self.fault("it is no proof of a fork: a side is not signed", places[-1], offset)
                return
        if places[0] != places[1] or sides[0][0] == sides[1][0]:
            self.fault("it is no proof of a fork: the two do not exclude each other", places[1], offset)
            return
        self.forked.add(places[0][0])
        self.note(places[0], "two records claim this place: a clone, or a lie")

    def known(self, journal):
        """How far a journal is known here."""
        return self.next.get(journal, 1) - 1

    def take_record(self, c, offset):
        header_bytes, signature, payload = c.sequence(), c.signature(), c.sequence()
        c.end()
        self.records += 1
        if len(header_bytes) > HEADER_BYTES or len(payload) > RECORD_BYTES:
            raise Unreadable("a record is too large")
        header = header_of(header_bytes)
        journal, seq = header["journal"], header["seq"]
        place = (journal, seq)

        def fault(reason):
            self.fault(reason, place, offset)

        if header["notebook"] != self.head["notebook"]:
            fault("it is of another notebook")
        if not is_signed(journal[0], b"codex record 1\0" + header_bytes, signature):
            fault("the signature is not the device's")
        if header["payload_size"] != len(payload) or header["payload_hash"] != blake3(payload).digest():
            fault("the payload is not the one that the header names")
        hashes = self.hashes.setdefault(journal, {})
        expected = self.next.get(journal, 1)
        if seq == 0 or seq in hashes or seq <= self.base.get(journal, (0,))[0]:
            fault("a record with this place is there already")
        elif seq != expected:
            fault(f"it stands where record {expected} of its journal is expected")
        before = ZEROS if seq == 1 else hashes.get(seq - 1)
        if before is not None and header["previous"] != before:
            fault(f"it does not follow on record {seq - 1}, which has another hash")
        for other, at, hash_ in header["seen"]:
            if other not in self.forked and self.known(other) < at <= self.goal.get(other, (0,))[0]:
                fault(f"it had seen record {at} of device {other[0].hex()}, which does not stand before it")
            elif self.hashes.get(other, {}).get(at, hash_) != hash_:
                self.note(place, f"it had seen another record {at} of device {other[0].hex()}: a fork")
        if seq > self.goal.get(journal, (0,))[0]:
            fault("the head does not name it")
        hashes[seq] = derived("codex 2026 record", header_bytes)
        self.next[journal] = max(expected, seq + 1)
        try:
            self.take_payload(header, payload)
        except Unreadable as error:
            self.note(place, f"its payload, or a part of it, has no effect: {error}")

    def take_payload(self, header, payload):
        device, volume = header["journal"]
        if header["kind"] == 2:
            kind, nonce = statement(payload)
            if kind == 0 and derived("codex 2026 notebook", device + nonce) == self.head["notebook"]:
                self.founded = True
        elif header["kind"] == 3:
            found = seal(payload)
            found.update(device=device, volume=volume, seq=header["seq"], time=header["time"])
            if "seal" in found:
                if not found["unlocks"]:
                    self.witnesses.append(found)
            else:
                self.seals[self.hashes[header["journal"]][header["seq"]]] = found
        elif header["kind"] == 5:
            comment(payload)
        elif header["kind"] == 4:
            found = timestamp(payload)
            found.update(device=device, volume=volume, seq=header["seq"])
            self.timestamps[self.hashes[header["journal"]][header["seq"]]] = found
        elif header["kind"] == 1:
            c = Cursor(payload)

            def item(c):
                kind = c.unsigned(32)
                if kind == 0:
                    return (0, c.sequence())
                if kind == 1:
                    return (1, c.take(32), c.unsigned(32), c.sequence())
                raise Unreadable(f"item {kind} is not known")

            items = c.many(RECORD_ITEMS, item)
            c.end()
            for one in items:
                if one[0] == 0:
                    birth(one[1], self.head["notebook"])
                elif one[2] >= BRANCHES:
                    raise Unreadable("a branch is out of bounds")
                else:
                    change(one[3], device, volume, one[2])

    def receipt(self, c):
        start = c.at
        notebook, device = c.take(32), c.take(32)
        c.unsigned(64)
        c.many(SEEN_TIPS, tip)
        c.many(RECEIPT_BLOBS, lambda c: c.take(32))
        c.unsigned(64)
        c.unsigned(64)
        said = c.data[start : c.at]
        return notebook, device, said, c.signature()

    def take_receipt(self, receipt, offset):
        notebook, device, said, signature = receipt
        self.receipts += 1
        if notebook != self.head["notebook"]:
            self.fault(f"the receipt of device {device.hex()} is of another notebook", offset=offset)
        if not is_signed(device, b"codex receipt 1\0" + said, signature):
            self.fault(f"the receipt of device {device.hex()} is not signed by it", offset=offset)

    def take_bytes(self, data, offset):
        if self.blob is None:
            raise Unreadable("it has bytes of no attachment")
        hash_, left, hasher = self.blob
        hasher.update(data)
        self.blob[1] = left - len(data)
        if self.blob[1] > 0:
            return
        if self.blob[1] < 0 or hasher.digest() != hash_:
            self.fault(f"attachment {hash_.hex()} has other bytes", offset=offset)
        else:
            self.blob_hashes.add(hash_)
        self.blob = None

    def finish(self):
        if self.head is None:
            return
        for journal, (seq, hash_) in self.goal.items():
            hashes = self.hashes.get(journal, {})
            first = self.base.get(journal, (0,))[0] + 1
            # Most often the whole end is missing: said once.
            last = self.known(journal)
            for missing in range(first, min(last, seq) + 1):
                if missing not in hashes:
                    self.fault("it is missing", (journal, missing))
            if last < seq:
                self.fault(f"it is missing, up to record {seq}", (journal, max(last + 1, first)))
            elif hashes.get(seq, hash_) != hash_:
                self.fault("it is not the one that the head names", (journal, seq))
        if not self.ended:
            self.fault("it has no end")
        elif self.blobs != self.head["blobs"]:
            self.fault(f"it has {self.blobs} attachments, and its head names {self.head['blobs']}")
        if not self.base and not self.founded:
            self.fault("no record founds this notebook")

    def signed(self, folder):
        """What was sealed, and by whom; with a folder, what of it lies there as it was."""

        def name(one):
            return {
                "device": one["device"].hex(),
                "volume": str(one["volume"]),
                "seq": one["seq"],
                "time": one["time"],
                "meaning": one["meaning"],
            }

        files = None if folder is None else Files(folder)

        def content(path, hash_, size, text):
            found = {"path": path, "hash": hash_.hex(), "size": size}
            found["carried"] = text is not None or hash_ in self.blob_hashes
            if files is not None:
                found["in_folder"] = hash_of_file(folder, path) == hash_
                found["now_at"] = [] if found["in_folder"] else files.of(hash_, size)
            return found

        for witness in self.witnesses:
            sealed = self.seals.get(witness["seal"])
            place = ((witness["device"], witness["volume"]), witness["seq"])
            if sealed is None:
                # What the reader holds already may have it.
                if not self.base:
                    self.note(place, f"it confirms the seal {witness['seal'].hex()}, which is not in this bundle")
            elif sealed["entry"] != witness["entry"]:
                self.note(place, "it confirms a seal of another entry: it confirms nothing")
            elif sealed["device"] == witness["device"]:
                self.note(place, "it confirms a seal of its own device: it confirms nothing")
        seals = []
        for hash_, one in self.seals.items():
            confirms = [
                name(witness)
                for witness in self.witnesses
                if witness["seal"] == hash_
                and witness["entry"] == one["entry"]
                and witness["device"] != one["device"]
            ]
            parts = [content(path, part, size, None) for _, path, part, size in one["parts"]]
            seals.append(
                {
                    "id": hash_.hex(),
                    "entry": one["entry"].hex(),
                    **content(one["path"], one["hash"], one["size"], one["text"]),
                    "by": name(one),
                    "locks": one["locks"],
                    "parts": parts,
                    "witnesses": confirms,
                }
            )
        return seals

    def stamped(self):
        """What each timestamp names, its root, and whether its token is over that."""
        said = b"codex timestamp 1\0" + self.head["notebook"] if self.head else b""
        listed = []
        for id_, one in self.timestamps.items():
            leaves = [sha256(b"\0", said, b"\0", seal) for seal in one["seals"]]
            leaves += [sha256(b"\0", said, b"\1", end) for end in one["ends"]]
            levels = tree_over(leaves)
            root = levels[-1][0]
            reason, time = None, None
            try:
                imprint, time = token_says(one["token"])
                if imprint != root:
                    reason = f"its token is for something else: its imprint is {imprint.hex()}"
            except Unreadable as error:
                reason = f"its token cannot be read: {error}"
            seals = []
            for index, seal in enumerate(one["seals"]):
                path = path_of_leaf(levels, index)
                is_in = climbed(leaves[index], index, len(leaves), path) == root
                if not is_in:
                    reason = f"the seal {seal.hex()} is not in its tree"
                seals.append({"id": seal.hex(), "index": index, "path": [step.hex() for step in path]})
            if reason:
                place = ((one["device"], one["volume"]), one["seq"])
                self.note(place, f"the timestamp proves nothing: {reason}")
            found = {"id": id_.hex(), "device": one["device"].hex(), "volume": str(one["volume"]), "seq": one["seq"]}
            found.update(over_its_root=reason is None, reason=reason, time=time, root=root.hex(), leaves=len(leaves), seals=seals)
            listed.append(found)
        return listed

    def report(self, folder=None):
        head = self.head or {"notebook": b"", "name": "", "maker": b""}
        return {
            "good": not self.faults,
            "notebook": head["notebook"].hex(),
            "name": head["name"],
            "maker": head["maker"].hex(),
            "founded": self.founded,
            "records": self.records,
            "left_out": sum(seq for seq, _ in self.base.values()),
            "receipts": self.receipts,
            "attachments": self.blobs,
            "seals": self.signed(folder),
            "timestamps": self.stamped(),
            "faults": self.faults,
            "notes": self.notes,
        }


def hash_of_file(folder, path):
    """BLAKE3 of a file in the folder; nothing if it is not there, or not in it."""
    try:
        inside = os.path.realpath(folder)
        file = os.path.realpath(os.path.join(inside, path))
        if os.path.commonpath([inside, file]) != inside or not os.path.isfile(file):
            return None
        hasher = blake3()
        with open(file, "rb") as opened:
            while data := opened.read(1 << 20):
                hasher.update(data)
        return hasher.digest()
    except (OSError, ValueError):
        return None


class Files:
    """The files of a notebook's folder by their size; hashed when one of that size is looked for, each once."""

    def __init__(self, folder):
        self.folder, self.by_size, self.hashes = folder, {}, {}
        for at, folders, names in os.walk(folder):
            # What is Codex's own, and git's, is no entry.
            folders[:] = sorted(name for name in folders if name not in (".codex", ".git"))
            for name in sorted(names):
                path = os.path.join(at, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                found = self.by_size.setdefault(os.path.getsize(path), [])
                found.append(os.path.relpath(path, folder).replace(os.sep, "/"))

    def of(self, hash_, size):
        """Where these bytes lie. Nothing is nowhere: empty files are all the same."""
        paths = self.by_size.get(size, []) if size else []
        for path in paths:
            if path not in self.hashes:
                self.hashes[path] = hash_of_file(self.folder, path)
        return [path for path in paths if self.hashes[path] == hash_]


def read_frames(file, bundle):
    """Reads frame after frame; a damaged one is named and, where its length is good, the next is read."""
    offset = len(MAGIC)
    while True:
        before = file.read(12)
        if not before:
            return
        length = int.from_bytes(before[:4], "big")
        if len(before) < 12 or length > FRAME_BYTES:
            bundle.fault("a frame is cut off or longer than any", offset=offset)
            return
        part = file.read(length)
        place = place_in(part)
        if len(part) < length:
            bundle.fault("the file is cut off in the middle of it", place, offset)
            return
        if blake3(part).digest()[:8] != before[4:]:
            bundle.fault("the checksum is another: its bytes are damaged", place, offset)
        try:
            bundle.part(part, offset)
        except Unreadable as error:
            bundle.fault(f"it cannot be read: {error}", place, offset)
            if bundle.head is None:
                return
        offset += 12 + length


def main():
    words, tokens = sys.argv[1:], None
    if "--tokens" in words[:-1]:
        at = words.index("--tokens")
        tokens = words[at + 1]
        del words[at : at + 2]
    if len(words) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    bundle = Bundle()
    try:
        with open(words[0], "rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                bundle.fault("it is no bundle of version 1", offset=0)
            else:
                read_frames(file, bundle)
                bundle.finish()
    except OSError as error:
        print(f"verify.py: cannot read {words[0]}: {error}", file=sys.stderr)
        return 2
    folder = words[1] if len(words) == 2 else None
    try:
        for id_, one in bundle.timestamps.items() if tokens else ():
            os.makedirs(tokens, exist_ok=True)
            with open(os.path.join(tokens, f"{id_.hex()}.der"), "wb") as file:
                file.write(one["token"])
    except OSError as error:
        print(f"verify.py: cannot write the tokens to {tokens}: {error}", file=sys.stderr)
        return 2
    print(json.dumps(bundle.report(folder), indent=2))
    return 1 if bundle.faults else 0


if __name__ == "__main__":
    sys.exit(main())
