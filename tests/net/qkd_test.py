#!/usr/bin/env python3
"""Keys from outside: two nodes that require one connect with keys of a key server (kme.py) or of a file, and not without."""

import json
import pathlib
import secrets
import sys
import uuid

from case import NetCase, main
from netlab import SeedNetwork, block_hashes

KME = pathlib.Path(__file__).with_name("kme.py")


class TwoNodes(NetCase):
    """`old` holds a chain and listens; `new` knows nothing but its address and NodeID."""

    def setUp(self):
        super().setUp()
        self.file = self.chain(50)
        self.network = SeedNetwork(self.lattice, self.file, count=1)
        self.network.fill()
        self.old_id = self.network.identities[0]
        self.new_data = self.lab.folder / "new"
        self.new_id = self.lattice.make_identity(self.new_data)

    def config(self, name, text):
        file = self.lab.folder / f"{name}.toml"
        file.write_text("[outside_keys]\n" + text, encoding="utf-8")
        return file

    def start_old(self, *options):
        return self.lattice.node("old", self.network.spec, self.network.data[0], "--no-dns", *options,
                                 listen=(self.network.hosts[0], self.network.port))

    def start_new(self, name, *options, seconds=20):
        place = f"{self.old_id}@{self.network.hosts[0]}:{self.network.port}"
        return self.lattice.node(name, self.network.spec, self.new_data, "--connect-only", "--connect", place, "--in-memory", "--timeout", seconds,
                                 *options, report=self.lab.folder / f"{name}.json")

    def synced(self, node):
        report = node.report(40)
        self.assertEqual(report["tip"], block_hashes(self.file)[-1])
        return report

    def not_synced(self, node):
        self.assertEqual(node.process.wait(40), 1, node.process.last_words())
        report = json.loads(node.report_file.read_text(encoding="utf-8"))
        self.assertEqual((report["height"], report["peers"]), (0, []))
        return report


class KeyServer(TwoNodes):
    def setUp(self):
        super().setUp()
        self.kme_folder = self.lab.folder / "kme"
        self.kme_folder.mkdir()
        self.start_kme()

    def start_kme(self):
        (self.kme_folder / "port").unlink(missing_ok=True)
        self.kme = self.lab.start("kme", [sys.executable, KME, self.kme_folder])
        self.lab.wait_ready(self.kme, (self.kme_folder / "port").exists, 30)
        self.port = (self.kme_folder / "port").read_text(encoding="utf-8")

    def mode(self, mode):
        (self.kme_folder / "mode").write_text(mode, encoding="utf-8")

    def requests(self, what):
        file = self.kme_folder / "requests"
        return [line for line in file.read_text(encoding="utf-8").splitlines() if what in line] if file.exists() else []

    def keys(self, own, other, other_id, policy="require", tail=""):
        return self.config(own, f'''policy = "{policy}"
url = "https://localhost:{self.port}"
authority = "kme/ca.pem"
certificate = "kme/{own}.pem"
private_key = "kme/{own}.key"
{tail}
[[outside_keys.peers]]
node = "{other_id}"
sae = "{other}"
''')

    def start_both(self, name="first", seconds=20, policy="require"):
        self.old = self.start_old("--outside-keys", self.keys("sae-a", "sae-b", self.new_id, policy))
        return self.start_new(name, "--outside-keys", self.keys("sae-b", "sae-a", self.old_id), seconds=seconds)

    def test_both_get_one_key(self):
        report = self.synced(self.start_both())
        self.assertEqual(report["outside_keys"], {"fetched": 1, "failed": {}})
        asked, named = self.requests("enc_keys"), self.requests("dec_keys")
        self.assertEqual([line.split()[:3] for line in asked + named],
                         [["sae-b", "POST", "/api/v1/keys/sae-a/enc_keys"], ["sae-a", "POST", "/api/v1/keys/sae-b/dec_keys"]])
        # A second link has a second key.
        again = self.start_new("second", "--outside-keys", self.lab.folder / "sae-b.toml")
        self.synced(again)
        self.assertEqual(len({line.split()[-1] for line in self.requests("dec_keys")}), 2)
        self.assertIn("unused=1000", again.process.output())

    def test_one_that_accepts_is_enough(self):
        self.synced(self.start_both(policy="accept"))
        self.assertEqual(len(self.requests("dec_keys")), 1)
        self.synced(self.start_new("without"))
        self.assertEqual(len(self.requests("dec_keys")), 1)

    def test_no_link_where_no_keys_are_left(self):
        self.mode("exhausted")
        report = self.not_synced(self.start_both(seconds=5))
        self.assertGreater(report["outside_keys"]["failed"]["refused"], 0)
        self.assertEqual(self.requests("dec_keys"), [])
        self.mode("ok")
        self.synced(self.start_new("later", "--outside-keys", self.lab.folder / "sae-b.toml"))

    def test_no_link_with_a_dead_key_server(self):
        configs = self.keys("sae-a", "sae-b", self.new_id), self.keys("sae-b", "sae-a", self.old_id)
        self.kme.stop()
        self.start_old("--outside-keys", configs[0])
        node = self.start_new("first", "--outside-keys", configs[1], seconds=5)
        report = self.not_synced(node)
        failed = report["outside_keys"]["failed"]
        self.assertEqual(report["outside_keys"]["fetched"], 0)
        self.assertLessEqual(set(failed), {"no_connection", "backing_off"})
        self.assertIn("outside_key_failed", node.process.output())

    def test_no_link_where_only_one_side_gets_its_key(self):
        node_keys = self.keys("sae-b", "sae-a", self.old_id)
        # The old one's authority is another: it trusts no key server.
        text = self.keys("sae-a", "sae-b", self.new_id).read_text(encoding="utf-8").replace("kme/ca.pem", "kme/other-ca.pem")
        self.config("deaf", text.partition("\n")[2])
        old = self.start_old("--outside-keys", self.lab.folder / "deaf.toml")
        report = self.not_synced(self.start_new("first", "--outside-keys", node_keys, seconds=5))
        self.assertGreater(report["outside_keys"]["fetched"], 0)
        self.assertIn("fault=tls_failed", old.process.output())

    def test_wrong_and_zero_keys_are_no_keys(self):
        for mode in ("zero_key", "short_key", "garbage"):
            self.mode(mode)
            if mode == "zero_key":
                self.not_synced(self.start_both(mode, seconds=3))
            else:
                self.not_synced(self.start_new(mode, "--outside-keys", self.lab.folder / "sae-b.toml", seconds=3))
        self.assertEqual(self.requests("dec_keys"), [])

    def test_no_link_without_keys_where_they_are_required(self):
        self.start_old("--outside-keys", self.keys("sae-a", "sae-b", self.new_id))
        self.not_synced(self.start_new("without", seconds=3))
        self.assertEqual(self.requests("_keys"), [])


class KeyFiles(TwoNodes):
    def key_file(self, name, peer, keys):
        lines = [f"{peer} {key_id} {key}\n" for key_id, key in keys]
        file = self.lab.folder / name
        file.write_text("lattice-outside-keys-1\n" + "".join(lines), encoding="utf-8")
        file.chmod(0o600)
        return self.config(name, f'policy = "require"\nfile = "{name}"\n')

    def test_each_key_is_used_once(self):
        keys = [(uuid.uuid4(), secrets.token_hex(32)) for _ in range(2)]
        self.start_old("--outside-keys", self.key_file("old-keys", self.new_id, keys))
        config = self.key_file("new-keys", "*", keys)
        for name in ("first", "second"):
            self.assertEqual(self.synced(self.start_new(name, "--outside-keys", config))["outside_keys"], {"fetched": 1, "failed": {}})
        report = self.not_synced(self.start_new("third", "--outside-keys", config, seconds=3))
        self.assertEqual(report["outside_keys"]["fetched"], 0)
        self.assertEqual(set(report["outside_keys"]["failed"]), {"used_up"})
        used = (self.lab.folder / "new-keys.used").read_text(encoding="utf-8").split()
        self.assertEqual(sorted(used), sorted(str(key_id) for key_id, _ in keys))
        self.assertEqual(sorted((self.lab.folder / "old-keys.used").read_text(encoding="utf-8").split()), sorted(used))

    def test_another_key_under_the_same_id_fails(self):
        key_id = uuid.uuid4()
        self.start_old("--outside-keys", self.key_file("old-keys", self.new_id, [(key_id, secrets.token_hex(32))]))
        config = self.key_file("new-keys", self.old_id, [(key_id, secrets.token_hex(32))])
        report = self.not_synced(self.start_new("first", "--outside-keys", config, seconds=3))
        self.assertEqual(report["outside_keys"]["fetched"], 1)

    def test_a_file_that_others_can_read_is_refused(self):
        config = self.key_file("keys", "*", [(uuid.uuid4(), secrets.token_hex(32))])
        (self.lab.folder / "keys").chmod(0o644)
        done = self.lattice.run("node", "--chain", self.network.spec, "--data", self.new_data, "--no-dns", "--outside-keys", config, code=1,
                                seconds_max=20)
        self.assertIn("chmod 600", done.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
