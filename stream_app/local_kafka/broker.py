"""Start, find and end one broker. What runs is written down in `broker.json` in its data folder."""

import atexit
import base64
import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from stream_app.errors import CgTrans03Error, UsageError
from stream_app.local_kafka.jars import java, java_classpath
from stream_app.local_kafka.probe import answers
from stream_app.local_kafka.server_properties import (
    HOST,
    NOT_SECURED,
    Secured,
    free_ports,
    is_free,
    server_properties,
)

START_SECONDS = 90.0
STOP_SECONDS = 20.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
HEAP = "512m"


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that somebody started: what `broker.json` holds."""

    bootstrap_servers: str
    pid: int
    instance: str
    """A random mark on the broker's command line: proof that a process id is still ours."""

    def is_alive(self) -> bool:
        """Say whether the process runs and is this broker, not a later owner of its id."""
        return f"-Dcg-trans-03.instance={self.instance}" in _command_line(self.pid)


@dataclass(frozen=True, slots=True)
class Running:
    """What `status` found."""

    broker: Broker | None
    answers: bool


def default_data_folder() -> Path:
    """Return this user's folder for the broker that `cg-trans-03 kafka up` starts."""
    root = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return root / "cg-trans-03" / "kafka"


def status(data: Path) -> Running:
    """Look whether the broker of this data folder runs, and whether it answers a request."""
    broker = _recorded(data)
    if broker is None or not broker.is_alive():
        return Running(broker=None, answers=False)
    return Running(broker=broker, answers=answers(broker.bootstrap_servers))


def start(
    data: Path,
    *,
    port: int | None = None,
    die_with_parent: bool = False,
    secured: Secured = NOT_SECURED,
) -> Broker:
    """Start a broker and wait until it answers; one that runs already is taken as it is.

    Args:
        data: the broker's own folder, made if it is missing.
        port: the port of clients; a free one by default.
        die_with_parent: end the broker when the calling thread ends, however its process
            dies; so call it from the main thread.
        secured: listeners beside the one in the clear.

    Raises:
        UsageError: java, Maven or the port is not to be had.
        CgTrans03Error: the broker did not come up.
    """
    data = data.resolve()
    found = status(data)
    if found.broker is not None:
        if port is not None and found.broker.bootstrap_servers != f"{HOST}:{port}":
            raise UsageError(f"a broker already runs there, on {found.broker.bootstrap_servers}")
        _wait_until_ready(found.broker, data)
        return found.broker
    if port is not None and not is_free(port):
        raise UsageError(f"port {port} of {HOST} is taken; leave --port out for a free one")
    classpath = java_classpath()
    data.mkdir(parents=True, exist_ok=True)
    free, controller_port = free_ports(2)
    client_port = free if port is None else port
    config = data / "server.properties"
    config.write_text(
        server_properties(data, client_port, controller_port, MAX_MESSAGE_BYTES, secured)
    )
    _format(data, config, classpath)
    broker = _spawn(data, config, classpath, f"{HOST}:{client_port}", die_with_parent)
    (data / "broker.json").write_text(json.dumps(asdict(broker)))
    try:
        _wait_until_ready(broker, data)
    except BaseException:
        stop(data)
        raise
    return broker


def stop(data: Path) -> bool:
    """End the broker of this data folder, by force if it lingers; say whether there was one."""
    broker = _recorded(data)
    alive = broker is not None and broker.is_alive()
    if broker is not None and alive:
        os.kill(broker.pid, signal.SIGTERM)
        if not _ended(broker, STOP_SECONDS):
            os.kill(broker.pid, signal.SIGKILL)
            _ended(broker, STOP_SECONDS)
    (data / "broker.json").unlink(missing_ok=True)
    return alive


@contextmanager
def local_kafka(data: Path) -> Iterator[Broker]:
    """Run a broker for the length of a `with` block; it never outlives this process."""
    broker = start(data, die_with_parent=True)
    end = partial(stop, data)
    atexit.register(end)
    try:
        yield broker
    finally:
        end()
        atexit.unregister(end)


def _recorded(data: Path) -> Broker | None:
    try:
        return Broker(**json.loads((data / "broker.json").read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise UsageError(f"{data / 'broker.json'}: not a record of a broker; remove it") from None


def _format(data: Path, config: Path, classpath: str) -> None:
    """Give a new data folder its cluster id, as KRaft wants it done before the first start."""
    if (data / "logs" / "meta.properties").exists():
        return
    done = subprocess.run(
        [
            java(),
            "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            *("-cp", classpath, "kafka.tools.StorageTool", "format"),
            *("--cluster-id", _cluster_id(), "--config", str(config)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise CgTrans03Error(f"the data folder {data} could not be formatted: {last}")


def _cluster_id() -> str:
    """A random id the way Kafka spells them: 16 bytes, base64 for URLs, never with a dash first."""
    return "k" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]


def _spawn(
    data: Path, config: Path, classpath: str, bootstrap_servers: str, die_with_parent: bool
) -> Broker:
    instance = uuid.uuid4().hex
    command = [
        java(),
        *(f"-Xms{HEAP}", f"-Xmx{HEAP}", "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData"),
        # The optimising compiler works for minutes, on half a core, to make a broker fast that
        # seldom lives as long: in tests and benchmarks it would only be in the others' way.
        "-XX:TieredStopAtLevel=1",
        "-Djava.awt.headless=true",
        f"-Dcg-trans-03.instance={instance}",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        *("-cp", classpath, "kafka.Kafka", str(config)),
    ]
    guard = shutil.which("setpriv") if die_with_parent else None
    if guard:
        # The kernel ends the broker when we die, even by SIGKILL; exec keeps the process id.
        command = [guard, "--pdeathsig", "KILL", "--", *command]
    with (data / "broker.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=data,
            # Its own session: Ctrl-C in our terminal is ours to handle.
            start_new_session=True,
        )
    broker = Broker(bootstrap_servers=bootstrap_servers, pid=process.pid, instance=instance)
    # Whoever stops the broker finds it by its record, maybe in another process: this handle
    # shall not complain about a child that it never waited for (`_reap` does).
    process.returncode = 0
    return broker


def _wait_until_ready(broker: Broker, data: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers(broker.bootstrap_servers):
        _reap(broker.pid)
        if not broker.is_alive():
            raise CgTrans03Error(f"the broker ended at once; see {data / 'broker.log'}")
        if time.monotonic() > deadline:
            raise CgTrans03Error(
                f"the broker gave no answer in {START_SECONDS:.0f} s; see {data / 'broker.log'}"
            )
        time.sleep(0.1)


def _ended(broker: Broker, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        _reap(broker.pid)
        if not broker.is_alive():
            return True
        time.sleep(0.05)
    return False


def _reap(pid: int) -> None:
    """Let go of a child that ended; not being its parent is fine."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _command_line(pid: int) -> str:
    """Return a process's command line; empty when it is gone (or a zombie)."""
    if Path("/proc/self/cmdline").exists():
        try:
            # Between two programs (setpriv, then java) Linux shows no command line for a moment:
            # not to be taken for a death.
            while not (text := Path(f"/proc/{pid}/cmdline").read_bytes()) and not _is_zombie(pid):
                time.sleep(0.01)
        except OSError:
            return ""
        return text.replace(b"\0", b" ").decode(errors="replace")
    listed = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout


def _is_zombie(pid: int) -> bool:
    """Say whether a process has ended and only waits to be let go of. Linux only."""
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state in "ZX"
