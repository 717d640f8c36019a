"""Outlines of the land for the map: from `land-50m.json` of the npm package world-atlas (Natural Earth, public domain) to the constant
LAND in plugins/views/map/map.js. `python3 land.py land-50m.json` prints it."""
import json
import math
import sys

SHARP = 20  # parts of a degree
SLACK = 0.07  # degrees that a line may be off
LEAST = 40  # smaller islands (square parts of a degree) are left out
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def arcs_of(atlas):
    (sx, sy), (tx, ty) = atlas["transform"]["scale"], atlas["transform"]["translate"]
    for arc in atlas["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        yield points


def rings_of(atlas):
    arcs = list(arcs_of(atlas))
    for geometry in atlas["objects"]["land"]["geometries"]:
        for polygon in geometry["arcs"]:
            for ring in polygon:
                points = []
                for index in ring:
                    arc = arcs[index] if index >= 0 else arcs[~index][::-1]
                    points += arc if not points else arc[1:]
                yield unwrapped(points)


def unwrapped(points):
    """Over the date line a ring goes on, instead of back around the world; around a pole it is closed there."""
    out = [points[0]]
    for x, y in points[1:]:
        while x - out[-1][0] > 180:
            x -= 360
        while x - out[-1][0] < -180:
            x += 360
        out.append((x, y))
    if abs(out[-1][0] - out[0][0]) > 180:
        pole = math.copysign(89.9, out[0][1])
        out += [(out[-1][0], pole), (out[0][0], pole)]
    return out


def simpler(points):
    if len(points) < 3:
        return points
    (x1, y1), (x2, y2) = points[0], points[-1]
    length = math.hypot(x2 - x1, y2 - y1)
    most, where = 0, 0
    for index, (x, y) in enumerate(points[1:-1], 1):
        off = abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length if length else math.hypot(x - x1, y - y1)
        if off > most:
            most, where = off, index
    if most <= SLACK:
        return [points[0], points[-1]]
    return simpler(points[: where + 1])[:-1] + simpler(points[where:])


def number(value):
    value = value << 1 if value >= 0 else (-value << 1) - 1
    out = ""
    while True:
        part, value = value & 31, value >> 5
        out += LETTERS[part | (32 if value else 0)]
        if not value:
            return out


def packed(ring):
    half = len(ring) // 2
    ring = simpler(ring[: half + 1])[:-1] + simpler(ring[half:])
    points = []
    for x, y in ring:
        point = (round(x * SHARP), round(y * SHARP))
        if not points or points[-1] != point:
            points.append(point)
    if len(points) > 1 and points[0] == points[-1]:
        points.pop()
    wide = max(x for x, _ in points) - min(x for x, _ in points)
    high = max(y for _, y in points) - min(y for _, y in points)
    if len(points) < 3 or wide * high < LEAST:
        return None
    out, px, py = "", 0, 0
    for x, y in points:
        out += number(x - px) + number(y - py)
        px, py = x, y
    return out


if __name__ == "__main__":
    sys.setrecursionlimit(20_000)
    with open(sys.argv[1], encoding="utf-8") as file:
        text = " ".join(filter(None, map(packed, rings_of(json.load(file)))))
    print(f"const SHARP = {SHARP};\nconst LAND = [")
    for start in range(0, len(text), 150):
        print(f"  '{text[start:start + 150]}',")
    print("];")
