"""What the benchmarks share: fresh folders, daemons of our own, CPU and memory from /proc, one line of JSON.

Python 3.9 or later and its standard library; nothing else. Every run works in a fresh folder below $CODEX_BENCH_DIR
(default /var/tmp/codex-bench) and deletes nothing, because on ext4 without a journal creating files soon after deleting
many costs up to 0.7 ms of kernel time each.
"""
import argparse
import atexit
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

HZ = os.sysconf("SC_CLK_TCK")
HERE = Path(__file__).resolve().parent
ROOT = Path(os.environ.get("CODEX_BENCH_DIR", "/var/tmp/codex-bench"))
PATIENCE_S = 600


def arguments(doc, **options):
    """Parses the command line: every option of `options` with its default, and --bin for the daemon."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target"))
    parser.add_argument("--bin", default=str(target / "release/codexd"), help="the daemon (default: the release build)")
    for name, value in options.items():
        name = "--" + name.replace("_", "-")
        if value is False:
            parser.add_argument(name, action="store_true")
        else:
            parser.add_argument(name, type=type(value), default=value)
    given = parser.parse_args()
    if not os.access(given.bin, os.X_OK):
        sys.exit(f"there is no daemon at {given.bin}; build it with `cargo build --release`, or name it with --bin")
    return given


def fresh(name):
    """A folder that has never been used."""
    ROOT.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1_000_000):
        folder = ROOT / f"{name}-{number}"
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue
    raise RuntimeError("no number is left")


def copy(source, target):
    """Copies a corpus and waits until it is on disk, so that nobody else pays for that."""
    subprocess.run(["cp", "-r", f"{source}/.", str(target)], check=True)
    os.sync()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, holds, pause_s=0.01, patience_s=PATIENCE_S):
    """Waits for a condition; gives what it came to and the time at which it did."""
    end = time.perf_counter() + patience_s
    while True:
        value = holds()
        now = time.perf_counter()
        if value:
            return value, now
        if now > end:
            sys.exit(f"waited {patience_s} s in vain until {what}")
        if pause_s:
            time.sleep(pause_s)


def end_with_us(process):
    """Whatever ends the benchmark ends this process too."""
    atexit.register(lambda: process.poll() is None and process.kill())


class Http:
    """One kept connection to one server on this machine."""

    def __init__(self, port, headers):
        self.port, self.headers, self.connection, self.used = port, headers, None, 0.0

    def ask(self, method, path, body=None, headers=None, timeout=60):
        """(status, headers, bytes)"""
        # A server closes what nobody has used for half a minute.
        if self.connection is not None and time.monotonic() - self.used > 15:
            self.connection.close()
            self.connection = None
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.connection.request(method, path, body=body, headers={**self.headers, **(headers or {})})
            answer = self.connection.getresponse()
            told = answer.status, answer.headers, answer.read()
            self.used = time.monotonic()
            return told
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            raise


class Daemon:
    """One `codexd` in a home of its own: loopback, no discovery, no relay."""

    def __init__(self, binary, work, name, env=None):
        self.binary, self.name = binary, name
        self.home = Path(work) / f"{name}-home"
        self.folder = Path(work) / f"{name}-notes"
        self.home.mkdir()
        self.folder.mkdir()
        self.p2p = free_port()
        self.env = {**os.environ, **(env or {})}
        self.notebook = None

    def spawn(self):
        """Starts the process and returns at once."""
        self.port = free_port()
        log = open(self.home / "log", "ab")
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [self.binary, "--home", str(self.home), "serve", "--listen", f"127.0.0.1:{self.port}", "--relay", "none",
             "--no-discovery", "--p2p-listen", f"127.0.0.1:{self.p2p}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)
        end_with_us(self.process)
        self.pid = self.process.pid
        self.http = None
        return self

    def healthy(self):
        """Whether the desk answers."""
        if self.process.poll() is not None:
            sys.exit(f"codexd ended: {(self.home / 'log').read_text()[-2000:]}")
        try:
            return Http(self.port, {}).ask("GET", "/api/v1/health", timeout=5)[0] == 200
        except OSError:
            return False

    def start(self):
        """Starts it and waits until it answers. `answered_s` says how long that took."""
        self.spawn()
        _, at = until("the desk answers", self.healthy, pause_s=0.001)
        self.answered_s = at - self.started
        self.connect()
        return self

    def connect(self):
        path = self.home / "run/daemon.json"
        until("daemon.json is written", lambda: path.exists() and json.loads(path.read_text())["pid"] == self.pid, 0.001)
        run = json.loads(path.read_text())
        self.http = Http(self.port, {"Authorization": "Bearer " + run["token"]})

    def api(self, method, path, body=None):
        """A JSON answer; anything but success ends the benchmark."""
        data = None if body is None else json.dumps(body)
        status, _, answer = self.http.ask(method, "/api/v1" + path, data, {"Content-Type": "application/json"})
        if not 200 <= status < 300:
            sys.exit(f"{self.name}: {method} {path}: {status} {answer.decode(errors='replace')}")
        return json.loads(answer) if answer else None

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)

    def kill(self):
        """Ends it at once: a clean end would first write the history of all notes as commits."""
        self.process.kill()
        self.process.wait()

    # ---- notebooks

    def add(self):
        self.notebook = self.api("POST", "/notebooks", {"path": str(self.folder)})["id"]

    def invite(self):
        return self.api("POST", "/invites", {"notebook": self.notebook, "unattended": True})["ticket"]

    def join(self, ticket):
        self.notebook = self.api("POST", "/join", {"ticket": ticket, "path": str(self.folder)})["id"]

    def standing(self):
        return self.api("GET", f"/notebooks/{self.notebook}")

    def is_idle(self, standing=None):
        """Scanned, written out, everything fetched."""
        standing = standing or self.standing()
        return (standing["state"] == "ready" and standing["pending"] == 0 and standing["blobs_missing"] == 0
                and not standing["scan"].get("busy", False))

    def is_synced(self):
        """Idle, and every peer has acknowledged everything."""
        standing = self.standing()
        peers = standing["peers"]
        return (self.is_idle(standing) and bool(peers)
                and all(peer["connected"] and not peer["records_behind"] and not peer["blobs_missing"] for peer in peers)
                and standing)

    def has_met(self):
        """Every peer is connected and has acknowledged everything, whatever the files here are like."""
        peers = self.standing()["peers"]
        return bool(peers) and all(peer["connected"] and not peer["records_behind"] for peer in peers)

    def is_searchable(self, folder=None):
        """Whether the mirror shows everything that the store holds."""
        folder = (folder or self.folder) / ".codex"
        try:
            with closing(folder / "store.db") as store, closing(folder / "mirror.db") as mirror:
                have = store.execute("SELECT max(revision) FROM entries").fetchone()[0]
                shown = mirror.execute("SELECT value FROM state WHERE key = 'revision'").fetchone()
            return have is not None and shown is not None and shown[0] >= have
        except sqlite3.OperationalError:
            return False

    def search(self, query, limit=20):
        from urllib.parse import urlencode
        where = urlencode({"q": query, "limit": limit, "notebook": self.notebook})
        return self.api("GET", "/search?" + where)

    def cpu_s(self):
        return cpu_s(self.pid)

    def memory_mb(self):
        return memory_mb(self.pid)


class closing:
    """A reading connection to a database that another process writes."""

    def __init__(self, path):
        self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)

    def __enter__(self):
        return self.connection

    def __exit__(self, *_):
        self.connection.close()


def pair(binary, work, corpus=None):
    """Two daemons that hold one notebook, everything synced and searchable."""
    a, b = Daemon(binary, work, "a"), Daemon(binary, work, "b")
    if corpus:
        copy(corpus, a.folder)
    a.start()
    b.start()
    a.add()
    until("A has scanned", a.is_idle, 0.05)
    b.join(a.invite())
    settled(a, b)
    return a, b


def settled(*daemons):
    """Everybody has everything, durable and searchable. Gives the time at which that was so."""
    at = 0
    for daemon in daemons:
        _, when = until(f"{daemon.name} is synced", daemon.is_synced, 0.02)
        _, shown = until(f"{daemon.name} is searchable", daemon.is_searchable, 0.02)
        at = max(at, when, shown)
    for daemon in daemons:
        until(f"{daemon.name} is still synced", daemon.is_synced, 0.02)
    return at


# ---- processes

def cpu_s(pid):
    """User and system seconds of a process."""
    with open(f"/proc/{pid}/stat") as file:
        text = file.read()
    fields = text[text.rindex(")") + 2:].split()
    return sum(int(value) for value in fields[11:13]) / HZ


def tree(pid):
    """A process and its descendants."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                text = Path(f"/proc/{name}/stat").read_text()
                children.setdefault(int(text[text.rindex(")") + 2:].split()[1]), []).append(int(name))
            except OSError:
                pass
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def memory_mb(pid):
    """Resident, of that anonymous, and the peak, in megabytes (10^6 bytes)."""
    values = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key in ("VmRSS", "RssAnon", "VmHWM"):
            values[key] = int(value.split()[0]) * 1024 / 1e6
    return {"rss": round(values["VmRSS"], 1), "anon": round(values["RssAnon"], 1), "peak": round(values["VmHWM"], 1)}


def busy_s():
    """CPU seconds that the whole machine has worked since it started."""
    with open("/proc/stat") as file:
        values = [int(value) for value in file.readline().split()[1:9]]
    return (sum(values) - values[3] - values[4]) / HZ


class Others:
    """How much of the machine others used meanwhile: a figure for how far to trust the rest."""

    def __init__(self, *pids):
        self.pids = pids
        self.begin, self.busy, self.own = time.time(), busy_s(), self.ours()

    def ours(self):
        return sum(os.times()[:2]) + sum(cpu_s(pid) for pid in self.pids)

    def share(self):
        wall = max(time.time() - self.begin, 1e-9)
        return round(max(0.0, busy_s() - self.busy - (self.ours() - self.own)) / wall / os.cpu_count(), 3)


# ---- figures

def quantiles(values, scale=1.0, digits=1):
    """p50, p95 and the greatest."""
    values = sorted(values)
    at = lambda share: round(values[min(len(values) - 1, int(share * len(values)))] * scale, digits)
    return {"n": len(values), "p50": at(0.5), "p95": at(0.95), "max": round(values[-1] * scale, digits)}


def tree_hash(folder):
    """One hash of all paths and bytes, without what belongs to the tools."""
    digest = hashlib.sha256()
    for path in sorted(files(folder)):
        digest.update(path.encode() + b"\0" + hashlib.sha256((Path(folder) / path).read_bytes()).digest())
    return digest.hexdigest()


def files(folder):
    """Paths and sizes, without what belongs to the tools."""
    found = {}
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in (".codex", ".git", ".stfolder", ".stversions")]
        for name in names:
            path = os.path.join(at, name)
            found[os.path.relpath(path, folder)] = os.lstat(path).st_size
    return found


def bar(value, limit, at_least=False):
    """A figure beside what it must reach."""
    return {"value": value, "bar": limit, "met": value >= limit if at_least else value <= limit}


def report(benchmark, **figures):
    """Prints the one JSON object of a benchmark."""
    machine = {"cpus": os.cpu_count(), "model": model(), "kernel": os.uname().release}
    print(json.dumps({"benchmark": benchmark, **figures, "machine": machine}, indent=1))


def model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return os.uname().machine


def have(program):
    return shutil.which(program)
