"""Who takes part: how each is built and started, and what it cannot do."""

import contextlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(HERE, ".build", "peers")
JARS = "/usr/share/java"
GO_PATH = "/usr/share/gocode"


class Missing(Exception):
    """Why a contender cannot take part."""


def _run(command, **options):
    try:
        result = subprocess.run(command, capture_output=True, text=True, **options)
    except OSError as error:
        raise Missing(f"{command[0]}: {error.strerror}") from error
    if result.returncode != 0:
        lines = (result.stdout + result.stderr).strip().splitlines()
        errors = [line for line in lines if "error" in line.lower()][:5] or lines[-1:] or ["failed"]
        raise Missing(f"{' '.join(command[:3])}: {'; '.join(errors)}")
    return result.stdout


def install(*packages):
    """Installs what is missing of some Debian packages. Services that come with them are not started."""
    if not packages:
        return
    query = ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *packages]
    present = subprocess.run(query, capture_output=True, text=True)
    installed = {line.split()[0] for line in present.stdout.splitlines() if line.endswith(" installed")}
    missing = [package for package in packages if package not in installed]
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise Missing(f"no Debian, and not there: {' '.join(missing)}")
    print(f"installing {' '.join(missing)} ...", file=sys.stderr, flush=True)
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    # In run level 1 a package's scripts leave its services alone.
    command = root + ["env", "RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    subprocess.run(command + ["update"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _run(command + ["install", "-y", "--no-install-recommends", *missing])


def scratch():
    """Where servers keep their data: on a disk, which /tmp may not be."""
    os.makedirs(BUILD, exist_ok=True)
    return BUILD


def _built(name):
    os.makedirs(BUILD, exist_ok=True)
    return os.path.join(BUILD, name)


def _build_ours():
    install("libzookeeper-mt-dev")
    # The plan of the last build: of a package beside this one SwiftPM does not notice that a source file is gone.
    with contextlib.suppress(FileNotFoundError):
        os.remove(os.path.join(HERE, ".build", "release.yaml"))
    _run(["swift", "build", "-c", "release", "--package-path", HERE, "--product", "contender"])
    directory = _run(["swift", "build", "-c", "release", "--package-path", HERE, "--show-bin-path"]).strip()
    return [os.path.join(directory, "contender")]


def _build_floor(protocol):
    install("gcc", "libc6-dev", "libzookeeper-mt-dev")
    program = _built("floor")
    sources = [os.path.join(HERE, "floor", name) for name in ("floor.c", "queue.c", "protocol.c")]
    _run(["gcc", "-O2", "-std=gnu11", "-o", program, *sources, "-lzookeeper_mt", "-lpthread"])
    return [program, protocol]


def build_interposer(directory):
    """The library that counts allocations."""
    install("gcc", "libc6-dev")
    library = os.path.join(directory, "allocations.so")
    source = os.path.join(HERE, "interposer", "allocations.c")
    _run(["gcc", "-O2", "-std=gnu11", "-shared", "-fPIC", "-o", library, source])
    return library


def _build_curator():
    install("libcurator-recipes-java", "libslf4j-java", "libjackson2-databind-java")
    if not shutil.which("javac"):
        install("default-jdk-headless")
    names = (
        "curator-recipes curator-framework curator-client zookeeper zookeeper-jute guava slf4j-api slf4j-nop "
        "netty-all netty-handler netty-transport netty-common netty-buffer netty-codec netty-resolver "
        "netty-transport-native-epoll netty-transport-native-unix-common jackson-databind jackson-core "
        "jackson-annotations metrics-core snappy-java"
    ).split()
    class_path = ":".join(f"{JARS}/{name}.jar" for name in names)
    sources = os.path.join(HERE, "curator")
    files = [os.path.join(sources, name) for name in sorted(os.listdir(sources)) if name.endswith(".java")]
    _run(["javac", "-d", _built("curator"), "-cp", class_path, *files])
    # As a service runs: the usual compilers and collector; small stacks, since each waiter has a thread.
    return ["java", "-Xss256k", "-cp", f"{_built('curator')}:{class_path}", "CuratorContender"]


def _build_go(name, *packages):
    install("golang-go", *packages)
    program = _built(name)
    # Debian's Go packages are for a GOPATH, where a program is one directory.
    sources = _built(f"{name}-sources")
    shutil.rmtree(sources, ignore_errors=True)
    for directory in (name, "go"):
        shutil.copytree(os.path.join(HERE, directory), sources, dirs_exist_ok=True)
    environment = {"GO111MODULE": "off", "GOPATH": GO_PATH, "GOFLAGS": "", "GOCACHE": _built("go-cache")}
    _run(["go", "build", "-o", program, "."], cwd=sources, env={**os.environ, **environment})
    return [program]


def _build_etcd():
    install("etcd-server")
    return _build_go("etcd", "golang-etcd-server-dev")


def _build_python(file, *packages):
    install(*packages)
    name, *arguments = file.split()
    return [sys.executable, os.path.join(HERE, "python", name), *arguments]


@dataclass
class Entry:
    """A contender. `cannot` tells, for workloads it leaves out, why."""

    name: str
    build: object
    server: str = "zookeeper"
    cannot: dict = field(default_factory=dict)
    command: list = None
    missing: str = None

    def prepare(self):
        try:
            self.command = self.build()
        except Missing as reason:
            self.missing = str(reason)


_TIMES_ONLY = "the C floors show times"
_SAME = "the same as floor-fast here: nobody waits"
_SAME_BUT_SLOWER = "the same as floor-fast, but for the names that it looks up"
_BACKGROUND = "what a release that is not waited for can come to at all"
_DEEP = "lists the whole queue for each waiter in Python: minutes for each round"
_POLLS = "polls: minutes for each round"
_THREADS = "a connection and a thread for each waiter"
_ONE_SERVER = "has no ensemble"
_NOT_ZOOKEEPER = "its session does not compare"
_AS_STRICT = "has no turns within a process: see W6"
_NO_MALLOC = "allocates by other means than malloc, and runs on a machine of its own"


def _floor(protocol, **more):
    cannot = {"W5": _TIMES_ONLY, "W7": _TIMES_ONLY, "W8": "its names and data are shorter than a lock's need be", **more}
    return Entry(f"floor-{protocol}", lambda: _build_floor(protocol), cannot=cannot)


def _no_queue(name, file, server, *packages, **more):
    """One that is no queue at the server, or keeps its waiters waiting by asking again and again."""
    cannot = {"W5": _THREADS, "W8": _NOT_ZOOKEEPER, "W9": _NO_MALLOC, **more}
    return Entry(name, lambda: _build_python(file, *packages), server, cannot)


OURS = "ours"
_NOT_DEEP = {f"{group}-{depth}": _POLLS for group in ("W3a", "W3b") for depth in (1000, 5000)}
ALL = [
    Entry(OURS, _build_ours),
    _floor("fast"),
    _floor("default", **{"W9": _SAME_BUT_SLOWER}),
    _floor("safe", **{"W1": _SAME, "W1-background": _SAME, "W4": _SAME, "W9": _SAME}),
    _floor("armed", **{"W1": _SAME, "W1-background": _SAME, "W4": _SAME, "W9": _SAME}),
    _floor("background", **{group: _BACKGROUND for group in ("W1", "W2", "W3a", "W3b", "W4", "W6", "W9")}),
    Entry("curator", _build_curator, cannot={"W9": _NO_MALLOC}),
    Entry(
        "go-zookeeper",
        lambda: _build_go("go-zookeeper", "golang-github-samuel-go-zookeeper-dev"),
        cannot={"W9": _NO_MALLOC},
    ),
    Entry(
        "kazoo",
        lambda: _build_python("kazoo_contender.py"),
        cannot={"W3a-5000": _DEEP, "W3b-5000": _DEEP, "W9": _NO_MALLOC},
    ),
    Entry("etcd", _build_etcd, "etcd", cannot={"W9": _NO_MALLOC}),
    _no_queue("redis", "redis_contender.py", "redis", "redis-server", **_NOT_DEEP),
    _no_queue("mariadb-getlock", "mariadb_contender.py get_lock", "mariadb", "mariadb-server", **_NOT_DEEP),
    _no_queue("mariadb-table", "mariadb_contender.py table", "mariadb", "mariadb-server", **_NOT_DEEP),
]
for _entry in ALL[1:]:
    _entry.cannot["W10"] = _AS_STRICT
