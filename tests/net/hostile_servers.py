"""Servers on loopback that are no nodes: each does one wrong thing to whoever connects."""

import socket
import threading
import time


class HostileServer:
    """Listens from its making to stop(); `connections` says how many came."""

    def __init__(self, host, port, behave):
        self.behave, self.connections, self.open = behave, 0, []
        self.address = (host, port)
        self.listener = socket.create_server(self.address)
        self.stopped = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.stopped.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.behave(connection, self.stopped)
        except OSError:
            pass

    def stop(self):
        self.stopped.set()
        for end in (self.listener, *self.open):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


def stall(_connection, stopped):
    """Takes the connection and says nothing."""
    stopped.wait()


def garbage(connection, stopped):
    """Noise without an end."""
    noise = bytes((i * 167 + 13) % 251 for i in range(65536))
    while not stopped.is_set():
        connection.sendall(noise)


def echo(connection, _stopped):
    """Says what it was told: our own first message comes back to us."""
    while data := connection.recv(65536):
        connection.sendall(data)


def drip(connection, stopped):
    """A byte a second: never idle, never done."""
    while not stopped.is_set():
        connection.sendall(b"\x00")
        time.sleep(1)


def slam(connection, _stopped):
    """Closes at once."""
    connection.close()


BEHAVIOURS = {"stall": stall, "garbage": garbage, "echo": echo, "drip": drip, "slam": slam}
