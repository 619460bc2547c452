"""A real DNS server with one zone of seeds on a loopback port."""

import os
import shutil
import subprocess

from .lab import LabError, free_port, listens


def quoted(text):
    """TXT data: strings of at most 255 bytes, several in one record."""
    return " ".join(f'"{text[i:i + 255]}"' for i in range(0, len(text), 255))


def zone_text(name, addresses=(), services=(), texts=(), serial=1):
    """A zone: A at the name, SRV (address, port) and TXT at _lattice._tcp.NAME."""
    lines = [f"$ORIGIN {name}.", "$TTL 5", f"@ SOA ns hostmaster {serial} 3600 600 86400 5", "@ NS ns", "ns A 127.0.0.1"]
    lines += [f"@ A {address}" for address in addresses]
    for number, (address, port) in enumerate(services):
        lines += [f"s{number} A {address}", f"_lattice._tcp SRV 10 10 {port} s{number}"]
    lines += [f"_lattice._tcp TXT {quoted(text)}" for text in texts]
    return "\n".join(lines) + "\n"


class Knot:
    def __init__(self, lab, zone_name, zone):
        self.lab, self.zone_name = lab, zone_name
        program = shutil.which("knotd") or ("/usr/sbin/knotd" if os.access("/usr/sbin/knotd", os.X_OK) else None)
        if not program:
            raise LabError("knotd is not here: install the package knot")
        # A short path whatever the tree's is: the kernel takes no long ones for sockets.
        self.folder = lab.temporary_folder("lattice-knot-")
        (self.folder / "run").mkdir(parents=True, exist_ok=True)
        (self.folder / "db").mkdir(exist_ok=True)
        self.serial = 0
        self.port = free_port("127.0.0.1")
        self.write(zone)
        (self.folder / "knot.conf").write_text(f"""server:
  listen: 127.0.0.1@{self.port}
  rundir: run
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
control:
  listen: knot.sock
database:
  storage: db
  journal-db-max-size: 64M
log:
  - target: stdout
    any: info
zone:
  - domain: {zone_name}
    storage: .
    file: zone
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
""", encoding="ascii")
        self.process = lab.start("knot", [program, "-c", "knot.conf"], cwd=self.folder)
        lab.wait_ready(self.process, lambda: listens("127.0.0.1", self.port) and "] loaded, serial" in self.process.output(), 20)

    @property
    def server(self):
        return f"127.0.0.1:{self.port}"

    def write(self, zone):
        (self.folder / "zone.new").write_text(zone, encoding="ascii")
        os.rename(self.folder / "zone.new", self.folder / "zone")

    def reload(self, zone):
        """Another zone; its serial must be higher."""
        self.write(zone)
        done = subprocess.run([shutil.which("knotc") or "/usr/sbin/knotc", "-c", "knot.conf", "-b", "zone-reload", self.zone_name],
                              cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
        if done.returncode:
            raise LabError(f"Knot did not take the zone: {done.stdout}{done.stderr}")
