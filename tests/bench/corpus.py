"""The notebooks that are measured: Markdown notes with frontmatter, links, tables and code, and images with sidecars.

A note depends on its number alone, so a small notebook is the beginning of a large one. The prose is real: the
documentation inside Python's own library, so that words are as frequent as they are in life. Made once and kept.
"""
import binascii
import json
import math
import os
import random
import re
import struct
import zlib
from pathlib import Path

from harness import ROOT

STATUS = ["draft", "running", "complete", "failed", "archived", "review"]
PEOPLE = ["A. Okafor", "M. Lindqvist", "J. Tanaka", "R. Haddad", "S. Novak", "L. Moreau"]
TAGS = ("pcr western-blot elisa gel cell-culture sequencing cloning crispr microscopy hplc nmr calibration buffer protocol "
        "repeat control mouse yeast plasmid primer enzyme kinetics storage safety meeting analysis figure review").split()
SUBJECTS = "kinase membrane polymer nanopore organoid catalyst enzyme battery antibody plasmid".split()
WORK = "screen stability folding transport".split()
SECTIONS = "Objective Background Materials Protocol Observations Results Analysis Discussion".split()
#: Bytes of a note: the middle one, and how far the others are from it (log-normal), as in the notebooks of a lab.
MIDDLE_BYTES, SPREAD = 2048, 0.8
IMAGE_KIB = 500


def paragraphs():
    from pydoc_data import topics
    texts = [topics.topics[key] for key in sorted(topics.topics)]
    for path in sorted(Path(os.__file__).parent.glob("*.py")):
        texts += re.findall(r'"""(.*?)"""', path.read_text(encoding="utf-8", errors="replace"), re.S)
    found = set()
    for text in texts:
        for part in re.split(r"\n\s*\n", text):
            part = " ".join(part.split())
            letters = sum(c.isalpha() or c == " " for c in part)
            if 80 <= len(part) <= 1500 and letters > 0.82 * len(part):
                found.add(part)
    return sorted(found)


class Notes:
    """Makes notes and images by number."""

    def __init__(self, images):
        self.images, self.prose = images, paragraphs()

    def head(self, number):
        rng = random.Random(f"head {number}")
        project = f"{rng.choice(SUBJECTS)}-{rng.choice(WORK)}"
        year, month, day = 2019 + rng.randrange(7), 1 + rng.randrange(12), 1 + rng.randrange(28)
        words = re.findall(r"[A-Za-z][a-z]{3,11}", rng.choice(self.prose))[:8]
        title = " ".join(rng.sample(words, min(len(words), rng.randint(2, 5)))).capitalize() + f" {rng.randint(1, 40)}"
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        path = f"{project}/{year}/{year}-{month:02}-{day:02}-{slug}-{number:06}.md"
        return project, f"{year}-{month:02}-{day:02}", title, path, rng

    def note(self, number):
        project, date, title, path, rng = self.head(number)
        samples = [f"{project[:3].upper()}-{rng.randrange(100000):05}" for _ in range(rng.randint(1, 6))]
        tags = sorted(rng.sample(TAGS, rng.randint(1, 5)))
        lines = ["---", f'title: "{title}"', f"id: {rng.getrandbits(120):030x}", f"date: {date}",
                 f"author: {rng.choice(PEOPLE)}", f"project: {project}", f"status: {rng.choice(STATUS)}",
                 f"tags: [{', '.join(tags)}]", "samples:"] + [f"  - {sample}" for sample in samples]
        if rng.random() < 0.4:
            lines += [f"temperature_c: {rng.uniform(-80, 95):.1f}"]
        parts = ["\n".join(lines) + "\n---\n", f"# {title}\n"]
        target = min(max(rng.lognormvariate(math.log(MIDDLE_BYTES), SPREAD), 400), 256 * 1024)
        size = sum(map(len, parts))
        while size < target:
            part = self.part(number, rng, samples)
            parts.append(part)
            size += len(part)
        return path, "\n".join(parts).rstrip("\n") + "\n"

    def part(self, number, rng, samples):
        kind = rng.random()
        if kind < 0.15:
            return f"## {rng.choice(SECTIONS)}\n"
        if kind < 0.70:
            text = rng.choice(self.prose)
            if rng.random() < 0.25 and number:
                text += f" See [[{Path(self.head(rng.randrange(number))[3]).stem}]]."
            return text + "\n"
        if kind < 0.82:
            rows = [f"| {rng.choice(samples)} | {rng.choice('ABCDEFGH')}{rng.randint(1, 12)} | {rng.random() * 9:.3f} |"
                    for _ in range(rng.randint(3, 9))]
            return "| sample | well | value |\n|---|---|---:|\n" + "\n".join(rows) + "\n"
        if kind < 0.9:
            return "\n".join(f"- [{rng.choice(' x')}] {rng.choice(self.prose)[:60]}" for _ in range(3)) + "\n"
        if kind < 0.96 or not self.images:
            return f"```python\nvalues = read('{rng.choice(samples)}.csv')\nprint(fit(values, {rng.randint(1, 99)}))\n```\n"
        return f"![{rng.choice(samples)}](/{self.image_path(rng.randrange(self.images))})\n"

    def image_path(self, number):
        rng = random.Random(f"image {number}")
        return f"{rng.choice(SUBJECTS)}-{rng.choice(WORK)}/images/{rng.choice(['gel', 'plate', 'sem'])}-{number:05}.png"

    def image(self, number):
        rng = random.Random(f"pixels {number}")
        side = max(16, int(math.sqrt(max(8.0, IMAGE_KIB * rng.lognormvariate(0, 0.35)) * 1024 / 3)))
        pixels = b"".join(b"\0" + rng.randbytes(side * 3) for _ in range(side))

        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", binascii.crc32(kind + data))

        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        png = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels, 0))
               + chunk(b"IEND", b""))
        about = {"title": f"Frame {number}", "exposure_ms": rng.randint(1, 900), "tags": rng.sample(TAGS, 3)}
        return self.image_path(number), png, json.dumps(about, indent=1).encode() + b"\n"


def corpus(notes, images=0):
    """The folder with so many notes and images (each with a sidecar); made when it is not there yet."""
    folder = ROOT / f"corpus-{notes}-{images}"
    done = ROOT / f"corpus-{notes}-{images}.done"
    if done.exists():
        return folder
    maker = Notes(images)

    def put(path, data):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    for number in range(notes):
        path, text = maker.note(number)
        put(path, text.encode())
    for number in range(images):
        path, png, about = maker.image(number)
        put(path, png)
        put(path + ".json", about)
    done.touch()
    return folder
