"""Two Syncthing instances on loopback: no discovery, relays, NAT traversal, upgrades or reports. What we compare with."""
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as XML
from pathlib import Path

from harness import Http, cpu_s, end_with_us, files, free_port, have, memory_mb, tree, until

KEY = "benchmark"


def missing():
    """Why there is nothing to compare with, or None."""
    return None if have("syncthing") else "skipped: no `syncthing` on the PATH"


def version():
    return subprocess.run(["syncthing", "--version"], capture_output=True, text=True).stdout.split()[1]


class Syncthing:
    """One instance. `tuned` is the fastest that the settings of version 1.19 allow: its watcher waits whole seconds."""

    def __init__(self, work, name, tuned=False):
        self.name, self.tuned = name, tuned
        self.home, self.folder = Path(work) / f"{name}-st-home", Path(work) / f"{name}-st-notes"
        self.folder.mkdir()
        self.port, self.sync_port = free_port(), free_port()
        self.env = {**os.environ, "HOME": str(self.home), "STNOUPGRADE": "1", "STNODEFAULTFOLDER": "1", "STNORESTART": "1"}
        made = subprocess.run(["syncthing", "generate", "--home", self.home, "--no-default-folder"], env=self.env,
                              capture_output=True, text=True)
        if made.returncode:
            sys.exit(made.stderr)
        asked = subprocess.run(["syncthing", "--device-id", "--home", self.home], env=self.env, capture_output=True,
                               text=True)
        self.device = asked.stdout.strip()
        self.http = Http(self.port, {"X-API-Key": KEY})

    def pair_with(self, other):
        path = self.home / "config.xml"
        config = XML.parse(path)
        top = config.getroot()
        for kind in ("folder", "device"):
            for one in top.findall(kind):
                top.remove(one)
        folder = XML.Element("folder", id="notes", label="notes", path=str(self.folder), type="sendreceive",
                             rescanIntervalS="3600", fsWatcherEnabled="true",
                             fsWatcherDelayS="1" if self.tuned else "10", autoNormalize="true")
        XML.SubElement(folder, "maxConflicts").text = "10"
        if self.tuned:
            XML.SubElement(folder, "disableFsync").text = "true"
        for one in (self, other):
            XML.SubElement(folder, "device", id=one.device, introducedBy="")
            device = XML.SubElement(top, "device", id=one.device, name=one.name,
                                    compression="never" if self.tuned else "metadata")
            XML.SubElement(device, "address").text = f"tcp://127.0.0.1:{one.sync_port}"
        top.append(folder)
        gui = top.find("gui")
        gui.set("enabled", "true")
        gui.find("address").text = f"127.0.0.1:{self.port}"
        key = gui.find("apikey")
        (XML.SubElement(gui, "apikey") if key is None else key).text = KEY
        options = top.find("options")
        wanted = {"listenAddress": f"tcp://127.0.0.1:{self.sync_port}", "globalAnnounceEnabled": "false",
                  "localAnnounceEnabled": "false", "relaysEnabled": "false", "natEnabled": "false", "urAccepted": "-1",
                  "crashReportingEnabled": "false", "startBrowser": "false", "autoUpgradeIntervalH": "0",
                  "reconnectionIntervalS": "5", "setLowPriority": "false"}
        for name, value in wanted.items():
            for one in options.findall(name):
                options.remove(one)
            XML.SubElement(options, name).text = value
        config.write(path)

    def spawn(self):
        log = open(self.home / "log", "ab")
        self.started = time.perf_counter()
        self.process = subprocess.Popen(["syncthing", "serve", "--home", self.home, "--no-browser", "--no-restart"],
                                        env=self.env, stdout=log, stderr=log)
        end_with_us(self.process)
        return self

    def answers(self):
        if self.process.poll() is not None:
            sys.exit(f"syncthing ended; see {self.home / 'log'}")
        try:
            return self.http.ask("GET", "/rest/system/ping", timeout=5)[0] == 200
        except OSError:
            return False

    def rest(self, path):
        return json.loads(self.http.ask("GET", "/rest/" + path)[2])

    def holds(self, count, size):
        """Whether it is idle, needs nothing, and has so much."""
        try:
            status = self.rest("db/status?folder=notes")
        except (OSError, ValueError):
            return False
        return (status.get("state") == "idle" and status["needFiles"] == 0 and status["localFiles"] >= count
                and status["localBytes"] >= size)

    def cpu_s(self):
        return sum(cpu_s(pid) for pid in tree(self.process.pid))

    def memory_mb(self):
        each = [memory_mb(pid) for pid in tree(self.process.pid)]
        return {key: round(sum(one[key] for one in each), 1) for key in each[0]}

    def stop(self):
        try:
            self.http.ask("POST", "/rest/system/shutdown", timeout=5)
        except OSError:
            self.process.terminate()
        self.process.wait(60)


def pair(work, tuned=False):
    a, b = Syncthing(work, "a", tuned), Syncthing(work, "b", tuned)
    a.pair_with(b)
    b.pair_with(a)
    return a, b


def synced(a, b):
    """Waits until B holds what A holds; gives the time."""
    found = files(a.folder)
    _, at = until("syncthing is synced", lambda: b.holds(len(found), sum(found.values())), 0.05)
    return at
