"""The servers: each started on free ports of the loopback address, in a directory that is removed again."""

import os
import shutil
import socket
import subprocess

from . import processes

JARS = "/usr/share/java"


def four_letter_word(port, word):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(word.encode())
        answer = b""
        while chunk := connection.recv(1 << 16):
            answer += chunk
    return answer.decode(errors="replace")


class ZooKeeper:
    """One server whose writes do not wait for the disk, or three that each sync every write before they agree to it."""

    def __init__(self, directory, members):
        self.processes = []
        self.addresses = []
        client_ports = processes.free_ports(members)
        quorum_ports = processes.free_ports(2 * members)
        java = os.environ.get("ZOOKEEPER_JAVA") or shutil.which("java")
        jars = os.environ.get("ZOOKEEPER_CLASSPATH") or f"{JARS}/zookeeper.jar:{JARS}/slf4j-simple.jar"
        for index in range(members):
            home = os.path.join(directory, f"zookeeper-{index + 1}")
            os.makedirs(os.path.join(home, "data"))
            settings = {
                "tickTime": 2000,
                "dataDir": os.path.join(home, "data"),
                "clientPort": client_ports[index],
                "clientPortAddress": "127.0.0.1",
                "maxClientCnxns": 0,
                "admin.enableServer": "false",
                "4lw.commands.whitelist": "*",
                "forceSync": "yes" if members > 1 else "no",
            }
            if members > 1:
                settings |= {"initLimit": 10, "syncLimit": 5}
                for other in range(members):
                    first, second = quorum_ports[2 * other : 2 * other + 2]
                    settings[f"server.{other + 1}"] = f"127.0.0.1:{first}:{second}"
                with open(os.path.join(home, "data", "myid"), "w") as myid:
                    myid.write(str(index + 1))
            path = os.path.join(home, "zoo.cfg")
            with open(path, "w") as file:
                file.writelines(f"{key}={value}\n" for key, value in settings.items())
            command = [
                java,
                "-Xms512m",
                "-Xmx512m",
                # An empty lock's path would be removed, and made again, in the middle of a round.
                "-Dznode.container.checkIntervalMs=3600000",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
                jars,
                "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                path,
            ]
            log = open(os.path.join(home, "server.log"), "wb")
            self.processes.append(processes.spawn(command, log, stdin=subprocess.DEVNULL, stdout=log, cwd=home))
            log.close()
        for port in client_ports:
            processes.until(lambda port=port: self._serves(port), f"the ZooKeeper server on port {port} serves")
        # Followers first: a session of an ensemble's usual client is more often theirs.
        client_ports.sort(key=lambda port: "Mode: leader" in four_letter_word(port, "srvr"))
        self.addresses = [f"127.0.0.1:{port}" for port in client_ports]

    @staticmethod
    def _serves(port):
        try:
            return "Mode:" in four_letter_word(port, "srvr")
        except OSError:
            return False

    @property
    def version(self):
        first = four_letter_word(int(self.addresses[0].rpartition(":")[2]), "srvr").splitlines()[0]
        return first.removeprefix("Zookeeper version: ").partition(",")[0]

    def close(self):
        for process in self.processes:
            processes.end(process)


def start(stack, directory, entries, ensemble):
    """Starts what the contenders need; a contender whose server does not come up is missing. `stack` stops it all."""
    environment = {}
    for name in dict.fromkeys(entry.server for entry in entries if not entry.missing):
        try:
            server = KINDS[name](directory, 3 if ensemble else 1)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            if name == "zookeeper":
                raise
            for entry in entries:
                if entry.server == name:
                    entry.missing = f"its server does not start: {error}"
            continue
        stack.callback(server.close)
        environment[name] = server
    return environment


KINDS = {"zookeeper": ZooKeeper}
