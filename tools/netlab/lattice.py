"""The program under test: chains, chain specs, nodes."""

import hashlib
import json
import os
import pathlib
import subprocess

from .lab import LabError, listens

ROOT = pathlib.Path(__file__).resolve().parents[2]


def chain_spec(head, port, seeds=(), tail=""):
    """A chain spec's text. head: the lines above its tables. seeds: (name, operators' hashes, threshold)."""
    lines = [head.strip()]
    if "[network_protocol]" not in head:
        lines.append("\n[network_protocol]")
    lines.append(f"default_port = {port}")
    for name, operators, threshold in seeds:
        lines += ["\n[[dns_seeds]]", f'name = "{name}"']
        if operators:
            lines += [f"operators = {json.dumps(list(operators))}", f"threshold = {threshold}"]
    return "\n".join(lines) + "\n" + tail


REGTEST = 'preset = "bitcoin-regtest"'
# Mainnet's rules without its least work, so that its beginning can be synced alone.
MAINNET_PART = '''[chain]
name = "mainnet-part"
rules = "bitcoin-mainnet"

[network_protocol]
magic_bytes = "f9 be b4 d9"
'''


def block_hashes(file):
    """The blocks of a blk file in its order, by their hashes as block explorers show them. Reckoned here, not by the program."""
    hashes = []
    with open(file, "rb") as blocks:
        while head := blocks.read(8):
            length = int.from_bytes(head[4:], "little")
            header = blocks.read(length)[:80]
            hashes.append(hashlib.sha256(hashlib.sha256(header).digest()).digest()[::-1].hex())
    return hashes


class Node:
    """A running `lattice node`."""

    def __init__(self, process, data, report=None):
        self.process, self.data, self.report_file = process, pathlib.Path(data), report

    def report(self, seconds_max):
        """Waits for the end of a node that runs --until-synced: what it reported. LabError where it failed."""
        code = self.process.wait(seconds_max)
        if code != 0:
            raise LabError(f"{self.process.name} ended with exit code {code}\n{self.process.last_words(30)}")
        return json.loads(pathlib.Path(self.report_file).read_text(encoding="utf-8"))


class Lattice:
    def __init__(self, lab, program=None):
        self.lab = lab
        self.program = pathlib.Path(program or os.environ.get("LATTICE_PROGRAM") or ROOT / "build" / "lattice")
        if not os.access(self.program, os.X_OK):
            raise LabError(f"{self.program} is not here: ./dev build makes it")

    def run(self, *arguments, seconds_max=120, code=0):
        """Runs to the end: the finished process with its output as text. `code`: what it must end with; None: anything."""
        argv = [str(self.program), *(str(word) for word in arguments)]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                                  timeout=seconds_max, cwd=self.lab.folder, check=False)
        except subprocess.TimeoutExpired:
            raise LabError(f"lattice {' '.join(argv[1:])}: not within {seconds_max} s") from None
        if code is not None and done.returncode != code:
            raise LabError(f"lattice {' '.join(argv[1:])}: exit code {done.returncode}, not {code}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def make_chain(self, file, blocks, block_bytes=1000, txs=2, seed=1, seconds_max=300):
        """A chain of regtest in a blk file; made once where the file stays."""
        file = pathlib.Path(file)
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_suffix(f".new{os.getpid()}")
            self.run("mkchain", "--rules", "regtest", "--blocks", blocks, "--block-bytes", block_bytes, "--txs", txs, "--seed", seed,
                     "--out", new, seconds_max=seconds_max)
            os.rename(new, file)  # whole or not at all
        return file

    def import_chain(self, file, spec, data, seconds_max=300):
        self.run("import", file, "--chain", spec, "--data", data, seconds_max=seconds_max)
        return data

    def make_identity(self, data):
        """The NodeID ("lat1...") of the node that keeps its data there."""
        return find_word(self.run("keygen", "--data", data).stdout, "lat1")

    def make_operator(self, file):
        """An operator's key file: the hash by which chain specs name it."""
        return self.run("seeds", "keygen", "--out", file).stdout.split()[-1]

    def sign_seeds(self, spec, keys, entries, expires="30d", sequence=1):
        """The TXT text of a signed seed list. entries: (NodeID, address, port)."""
        words = ["seeds", "sign", "--chain", spec, "--sequence", sequence, "--expires", expires]
        for key in keys:
            words += ["--key", key]
        for node_id, address, port in entries:
            words += ["--entry", f"{node_id}@{address}:{port}"]
        return find_word(self.run(*words).stdout, "lattice-seeds-1:")

    def node(self, name, spec, data, *options, listen=None, report=None, here=False, **process_options):
        """Starts `lattice node`; with listen = (address, port) it is ready when it listens there. Process has the rest."""
        argv = [self.program, "node", "--chain", spec, "--data", data, *options]
        argv += ["--listen", f"{listen[0]}:{listen[1]}"] if listen else ["--no-listen"]
        if report:
            pathlib.Path(report).unlink(missing_ok=True)
            argv += ["--until-synced", "--report", report]
        process = (self.lab.start_here if here else self.lab.start)(name, argv, **process_options)
        if listen:
            self.lab.wait_ready(process, lambda: listens(*listen, process.pid), 20)
        return Node(process, data, report)


def find_word(text, beginning):
    for word in text.split():
        if word.startswith(beginning):
            return word
    raise LabError(f"no word that begins with {beginning} in: {text[:500]}")
