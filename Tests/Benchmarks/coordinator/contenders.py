"""Who takes part: how each is built and started, and what it cannot do."""

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
        last = (result.stdout + result.stderr).strip().splitlines()
        raise Missing(f"{' '.join(command[:3])}: {last[-1] if last else 'failed'}")
    return result.stdout


def install(*packages):
    """Installs what is missing of some Debian packages. Services that come with them are not started."""
    present = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *packages], capture_output=True, text=True)
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


def _built(name):
    os.makedirs(BUILD, exist_ok=True)
    return os.path.join(BUILD, name)


def _build_ours():
    install("libzookeeper-mt-dev")
    _run(["swift", "build", "-c", "release", "--package-path", HERE, "--product", "contender"])
    directory = _run(["swift", "build", "-c", "release", "--package-path", HERE, "--show-bin-path"]).strip()
    return [os.path.join(directory, "contender")]


def _build_floor(protocol):
    install("gcc", "libc6-dev", "libzookeeper-mt-dev")
    program = _built("floor")
    sources = [os.path.join(HERE, "floor", name) for name in ("floor.c", "queue.c", "protocol.c")]
    _run(["gcc", "-O2", "-std=gnu11", "-o", program, *sources, "-lzookeeper_mt", "-lpthread"])
    return [program, protocol]


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
    _run(
        ["go", "build", "-o", program, "."],
        cwd=os.path.join(HERE, name),
        env={**os.environ, "GO111MODULE": "off", "GOPATH": GO_PATH, "GOFLAGS": "", "GOCACHE": _built("go-cache")},
    )
    return [program]


def _build_python(file):
    return [sys.executable, os.path.join(HERE, "python", file)]


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


_FLOOR_CANNOT = {"memory": "the C floors show times only", "crash": "the C floors show times only"}
_SAME = "the same as floor-fast here: nobody waits"
_DEEP = "lists the whole queue for each waiter in Python: minutes for each round"

OURS = "ours"
ALL = [
    Entry(OURS, _build_ours),
    Entry("floor-fast", lambda: _build_floor("fast"), cannot=_FLOOR_CANNOT),
    Entry("floor-safe", lambda: _build_floor("safe"), cannot={**_FLOOR_CANNOT, "W1": _SAME, "W4": _SAME}),
    Entry("curator", _build_curator),
    Entry("go-zookeeper", lambda: _build_go("go-zookeeper", "golang-github-samuel-go-zookeeper-dev")),
    Entry("kazoo", lambda: _build_python("kazoo_contender.py"), cannot={"W3a-5000": _DEEP, "W3b-5000": _DEEP}),
]
