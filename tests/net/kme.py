#!/usr/bin/env python3
"""A key server (KME) of a quantum network for tests: ETSI GS QKD 014 V1.1.1 over HTTPS with certificates on both sides.

    kme.py FOLDER [--certificate NAME] [--tls12]

One process stands for the key servers of both ends: what SAE a gets from enc_keys, SAE b gets once from dec_keys. Who asks is the
common name of its certificate. In FOLDER:

    ca.pem, *.pem, *.key   made at the first start: server, sae-a, sae-b; elsewhere (another host's), stranger (another authority's)
    port                   written when it listens
    mode                   how it answers, read at each request; see MODES
    requests               a line a request: caller, method, path, body
"""

import argparse
import base64
import http.server
import json
import os
import pathlib
import secrets
import socket
import ssl
import subprocess
import threading
import time
import uuid

MODES = """ok | exhausted | status CODE | slow SECONDS | silent | close | garbage | not_http | big | endless | wrong_id | short_key |
long_key | zero_key | two_keys | no_keys | same_key | bad_base64 | deep | types | redirect | cut"""


def openssl_program():
    own = pathlib.Path(os.environ.get("LATTICE_OPENSSL_ROOT") or "/nowhere") / "bin" / "openssl"
    return str(own) if os.access(own, os.X_OK) else "openssl"


# Our own, so that it is the same whether the program found one at its home or, as where only libraries were installed, none.
OPENSSL_CONF = """[req]
distinguished_name = dn
x509_extensions = authority
[dn]
[authority]
basicConstraints = critical, CA:true
subjectKeyIdentifier = hash
"""


def make_certificates(folder):
    config = folder / "openssl.cnf"
    config.write_text(OPENSSL_CONF, encoding="utf-8")

    def openssl(*words):
        done = subprocess.run([openssl_program(), *words], cwd=folder, env={**os.environ, "OPENSSL_CONF": str(config.resolve())},
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"kme.py: openssl {words[0]} failed: {done.stderr.strip()}")

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for authority in ("ca", "other-ca"):
        openssl("req", "-x509", *key, "-keyout", f"{authority}.key", "-out", f"{authority}.pem", "-days", "30", "-subj", f"/CN={authority}")
    names = {"server": ("ca", "DNS:localhost,IP:127.0.0.1", "serverAuth"), "elsewhere": ("ca", "DNS:elsewhere.test", "serverAuth"),
             "foreign": ("other-ca", "DNS:localhost,IP:127.0.0.1", "serverAuth"), "sae-a": ("ca", "DNS:sae-a", "clientAuth"),
             "sae-b": ("ca", "DNS:sae-b", "clientAuth"), "stranger": ("other-ca", "DNS:sae-a", "clientAuth")}
    for name, (authority, alternatives, usage) in names.items():
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / f"{name}.ext").write_text(f"subjectAltName={alternatives}\nextendedKeyUsage={usage}\n", encoding="utf-8")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", "30",
                "-extfile", f"{name}.ext", "-out", f"{name}.pem")
    for file in folder.glob("*.key"):
        file.chmod(0o600)


class KeyStore:
    """Keys by (master, slave, id); each side gets a key once."""

    def __init__(self):
        self.lock = threading.Lock()
        self.waiting = {}

    def fresh(self, master, slave):
        key_id, key = str(uuid.uuid4()), secrets.token_bytes(32)
        with self.lock:
            self.waiting[master, slave, key_id] = key
        return key_id, key

    def take(self, master, slave, key_id):
        with self.lock:
            return self.waiting.pop((master, slave, key_id.lower()), None)

    def count(self, master, slave):
        with self.lock:
            return sum(entry[:2] == (master, slave) for entry in self.waiting)


class Refused(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status, self.message = status, message


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def setup(self):
        self.request.settimeout(10)
        self.request.do_handshake()
        super().setup()
        subject = self.request.getpeercert()["subject"]
        self.caller = next(value for part in subject for name, value in part if name == "commonName")

    def log_message(self, *_):
        pass

    def mode(self):
        try:
            words = (self.server.folder / "mode").read_text(encoding="utf-8").split()
        except FileNotFoundError:
            words = []
        return words or ["ok"]

    def send_json(self, status, value):
        self.send_body(status, json.dumps(value).encode())

    def send_body(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def answer(self, body):
        with self.server.lock, open(self.server.folder / "requests", "a", encoding="utf-8") as requests:
            requests.write(f"{self.caller} {self.command} {self.path} {body.decode(errors='replace')}\n")
        mode = self.mode()
        try:
            if self.misbehave(*mode):
                return
            self.send_json(200, self.spoil(mode[0], self.right_answer(mode[0], body)))
        except Refused as refused:
            self.send_json(refused.status, {"message": refused.message})

    def right_answer(self, mode, body):
        path, _, query = self.path.partition("?")
        words = path.split("/")
        if len(words) != 6 or words[:4] != ["", "api", "v1", "keys"]:
            raise Refused(404, "no such resource")
        other, what = words[4:]
        if other not in ("sae-a", "sae-b") or other == self.caller:
            raise Refused(400, "unknown SAE")
        if what == "status" and self.command == "GET":
            return {"source_KME_ID": "kme-1", "target_KME_ID": "kme-2", "master_SAE_ID": self.caller, "slave_SAE_ID": other, "key_size": 256,
                    "stored_key_count": 1000, "max_key_count": 1000, "max_key_per_request": 8, "max_key_size": 1024, "min_key_size": 64,
                    "max_SAE_ID_count": 0, "status_extension": {"of": ["nobody's", {"interest": None}]}}
        if what == "enc_keys":
            wanted = dict(part.split("=") for part in query.split("&")) if self.command == "GET" else json.loads(body)
            if int(wanted["number"]) != 1 or int(wanted["size"]) != 256:
                raise Refused(400, "one key of 256 bits only")
            if mode == "exhausted":
                raise Refused(400, "not enough keys are left")
            return self.container(*self.server.store.fresh(self.caller, other))
        if what == "dec_keys" and self.command == "POST":
            (wanted,) = json.loads(body)["key_IDs"]
            key = self.server.store.take(other, self.caller, wanted["key_ID"])
            if key is None:
                raise Refused(400, "one or more keys specified are not found on KME")
            return self.container(wanted["key_ID"], key)
        raise Refused(404, "no such resource")

    @staticmethod
    def container(key_id, key):
        return {"key_container_extension": {"any": [1, 2.5, "x"]}, "keys": [{"key_ID": key_id, "key": base64.b64encode(key).decode(), "key_extension": {}}]}

    def misbehave(self, mode, value=""):
        """True: nothing more is to be said."""
        if mode == "status":
            raise Refused(int(value), "as the test wishes " + "K" * 44)
        if mode == "slow":
            time.sleep(float(value))
        if mode in ("silent", "close"):
            if mode == "silent":
                time.sleep(30)
            self.request.shutdown(socket.SHUT_RDWR)
        elif mode == "cut":
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"keys": [{')
            self.wfile.flush()
            self.request.shutdown(socket.SHUT_RDWR)
        elif mode == "not_http":
            self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n" * 3)
        elif mode == "garbage":
            self.send_body(200, secrets.token_bytes(500))
        elif mode == "big":
            self.send_body(200, b'{"keys": "' + b"A" * (1 << 20) + b'"}')
        elif mode == "endless":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            while True:
                self.wfile.write(b" " * 4096)
        elif mode == "deep":
            self.send_body(200, b'{"keys":' + b"[" * 20000 + b"]" * 20000 + b"}")
        elif mode == "redirect":
            self.send_response(307)
            self.send_header("Location", "https://localhost/api/v1/keys/sae-b/enc_keys")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            return False
        self.close_connection = True
        return True

    def spoil(self, mode, right):
        if "keys" not in right:
            return right
        entry = right["keys"][0]
        if mode == "wrong_id":
            entry["key_ID"] = str(uuid.uuid4())
        elif mode in ("short_key", "long_key", "zero_key"):
            entry["key"] = base64.b64encode({"short_key": secrets.token_bytes(16), "long_key": secrets.token_bytes(33), "zero_key": bytes(32)}[mode]).decode()
        elif mode == "two_keys":
            right["keys"].append(self.container(str(uuid.uuid4()), secrets.token_bytes(32))["keys"][0])
        elif mode == "no_keys":
            right["keys"] = []
        elif mode == "same_key":
            entry["key_ID"] = "00000000-0000-4000-8000-000000000001"
        elif mode == "bad_base64":
            entry["key"] = "*" * 43 + "="
        elif mode == "types":
            entry["key"] = [1, 2, 3]
        return right


class Kme(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder, certificate="server", tls12=False):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.store, self.lock = folder, KeyStore(), threading.Lock()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if tls12:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        # The handshake is the connection's own thread's: a client that says nothing holds up nobody.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request, client_address):
        pass  # of a client that went, or that showed no certificate


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--certificate", default="server")
    parser.add_argument("--tls12", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder
    if not (folder / "server.pem").exists():
        make_certificates(folder)
    server = Kme(folder, arguments.certificate, arguments.tls12)
    new = folder / "port.new"
    new.write_text(str(server.server_address[1]), encoding="utf-8")
    new.rename(folder / "port")
    server.serve_forever()


if __name__ == "__main__":
    main()
