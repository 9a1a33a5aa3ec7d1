"""The servers: each started on free ports of the loopback address, in a directory that is removed again."""

import getpass
import os
import shutil
import socket
import subprocess
import urllib.request

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

    def requests(self):
        """Packets from clients, of all members: requests, and pings."""
        total = 0
        for address in self.addresses:
            for line in four_letter_word(int(address.rpartition(":")[2]), "mntr").splitlines():
                key, _, value = line.partition("\t")
                total += int(value) if key == "zk_packets_received" else 0
        return total

    @property
    def version(self):
        first = four_letter_word(int(self.addresses[0].rpartition(":")[2]), "srvr").splitlines()[0]
        return first.removeprefix("Zookeeper version: ").partition("-")[0]

    def close(self):
        for process in self.processes:
            processes.end(process)



class _Single:
    """A server that is one process on one port."""

    def __init__(self, directory, name):
        self.home = os.path.join(directory, name)
        os.makedirs(self.home)
        self.port = processes.free_ports(1)[0]
        self.addresses = [f"127.0.0.1:{self.port}"]
        self.process = None

    def launch(self, command, what):
        with open(os.path.join(self.home, "server.log"), "wb") as log:
            self.process = processes.spawn(command, log, stdin=subprocess.DEVNULL, stdout=log, cwd=self.home)
        try:
            processes.until(lambda: self.process.poll() is not None or processes.accepts(self.port), what)
            if self.process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended: {self._last_line()}")
        except BaseException:
            self.close()
            raise

    def _last_line(self):
        with open(os.path.join(self.home, "server.log"), errors="replace") as log:
            lines = log.read().strip().splitlines()
        return lines[-1] if lines else "without a word"

    def close(self):
        if self.process:
            processes.end(self.process)


class Etcd:
    """One member that does not sync, or three that do, as the ZooKeeper servers."""

    def __init__(self, directory, members):
        client_ports, peer_ports = processes.free_ports(members), processes.free_ports(members)
        cluster = ",".join(f"m{index}=http://127.0.0.1:{port}" for index, port in enumerate(peer_ports))
        self.processes = []
        self.addresses = [f"127.0.0.1:{port}" for port in client_ports]
        for index in range(members):
            home = os.path.join(directory, f"etcd-{index}")
            os.makedirs(home)
            client, peer = f"http://127.0.0.1:{client_ports[index]}", f"http://127.0.0.1:{peer_ports[index]}"
            command = ["etcd", "--name", f"m{index}", "--data-dir", os.path.join(home, "data")]
            command += ["--listen-client-urls", client, "--advertise-client-urls", client]
            command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
            command += ["--initial-cluster", cluster, "--log-level", "error", "--logger", "zap"]
            if members == 1:
                command.append("--unsafe-no-fsync")
            with open(os.path.join(home, "server.log"), "wb") as log:
                self.processes.append(processes.spawn(command, log, stdin=subprocess.DEVNULL, stdout=log, cwd=home))
        try:
            for port in client_ports:
                processes.until(lambda port=port: self._is_healthy(port), f"etcd on port {port} serves")
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _is_healthy(port):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                return b"true" in answer.read()
        except OSError:
            return False

    @property
    def version(self):
        return subprocess.run(["etcd", "--version"], capture_output=True, text=True).stdout.splitlines()[0].split()[-1]

    def close(self):
        for process in self.processes:
            processes.end(process)


class Redis(_Single):
    """One server that keeps nothing on disk."""

    def __init__(self, directory, members):
        super().__init__(directory, "redis")
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.launch([*command, "--dir", self.home], "Redis serves")

    @property
    def version(self):
        words = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout.split()
        return next(word[2:] for word in words if word.startswith("v="))


class MariaDB(_Single):
    """One server that syncs once a second."""

    def __init__(self, directory, members):
        super().__init__(directory, "mariadb")
        data = os.path.join(self.home, "data")
        user = getpass.getuser()
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--user={user}", "--skip-test-db"]
        install.append("--auth-root-authentication-method=normal")
        subprocess.run(install, check=True, capture_output=True)
        command = [self._program(), "--no-defaults", f"--datadir={data}", f"--user={user}", f"--port={self.port}"]
        command += ["--bind-address=127.0.0.1", f"--socket={self.home}/socket", f"--pid-file={self.home}/pid"]
        command += ["--innodb-flush-log-at-trx-commit=0", "--max-connections=2000", "--skip-name-resolve"]
        self.launch(command, "MariaDB serves")

    @staticmethod
    def _program():
        return shutil.which("mariadbd") or "/usr/sbin/mariadbd"

    @property
    def version(self):
        return subprocess.run([self._program(), "--version"], capture_output=True, text=True).stdout.split()[2]


def start(stack, directory, entries, ensemble):
    """Starts what the contenders need; a contender whose server does not come up is missing. `stack` stops it all."""
    environment = {}
    for name in dict.fromkeys(entry.server for entry in entries if not entry.missing):
        kind = KINDS[name]
        try:
            if ensemble and issubclass(kind, _Single):
                raise RuntimeError("it is one server, not to be compared with a quorum")
            server = kind(directory, 3 if ensemble else 1)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            if name == "zookeeper":
                raise
            for entry in entries:
                if entry.server == name:
                    entry.missing = f"no server: {error}"
            continue
        stack.callback(server.close)
        environment[name] = server
    return environment


KINDS = {"zookeeper": ZooKeeper, "etcd": Etcd, "redis": Redis, "mariadb": MariaDB}
