"""A real Ray on this machine, its nodes as processes of their own, for tests and benchmarks to break."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.adapters import examine
from engine.build import build_worker
from engine.families.registry import load_profile
from engine.fleet.autoscale import ScaleSettings
from engine.fleet.ray_fleet import RayFleet
from engine.fleet.settings import FleetSettings, RaySettings
from engine.front import Front
from engine.settings import EMBEDDED_FOLDER, EngineConfig, ModelSettings
from engine.worker.loaded import Offered
from engine.worker.steploop import StepLoop
from tests.engine.fakes import FakeModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from engine.events import Observer
    from engine.worker.host import Build

MB = 1 << 20
STORE_MB = 80
INK = examine("ink", EMBEDDED_FOLDER / "loras" / "ink.safetensors")
ONE_THREAD = ModelSettings(device="cpu", threads=1, adapters=(INK,))


def ray_cluster(cpus: int = 2, store_mb: int = STORE_MB, **head: Any) -> Any:
    """The head, with its own node. `shutdown` it in the end."""
    from ray.cluster_utils import Cluster  # after the fleet has set what Ray reads

    node = {"num_cpus": cpus, "num_gpus": 0, "object_store_memory": store_mb * MB}
    head = {**node, "include_dashboard": False, **head}
    return Cluster(initialize_head=True, connect=False, head_node_args=head)


def embedded(config: EngineConfig | None = None) -> Callable[..., Any]:
    """Builds a worker with the embedded model on one thread."""
    return partial(build_worker, ONE_THREAD, config or EngineConfig(result_cache_bytes=0))


@contextlib.asynccontextmanager
async def front_on(
    address: str,
    workers: int,
    *,
    build: Build | None = None,
    settings: FleetSettings | None = None,
    observers: Sequence[Observer] = (),
    config: EngineConfig | None = None,
    **ray: Any,
) -> AsyncIterator[Front]:
    """A front whose workers are actors of the Ray at this address."""
    settings = settings or FleetSettings(health_every_s=0.5, health_timeout_s=3.0, aside_s=1.0)
    settings = replace(settings, scale=ScaleSettings(workers, workers))
    place = RaySettings(address=address, gpus=0.0, cpus=1.0, **ray)
    engine = Front(
        fleet=RayFleet(place, build or embedded(), scaling=True),
        profile=load_profile("embedded"),
        config=config or EngineConfig(result_cache_bytes=0),
        settings=settings,
        observers=observers,
    )
    async with engine:
        yield engine


def actors(head: Any) -> Iterator[int]:
    """The processes of this cluster's workers that have a step loop in them."""
    raylet = head.head_node.all_processes["raylet"][0].process.pid
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == raylet and b"ray::Host" in (entry / "cmdline").read_bytes():
                yield int(entry.name)


class SlowModel(FakeModel):
    """The fake model, a step of which takes a while; it leaves its process id in a folder."""

    def __init__(self, folder: Path, step_s: float) -> None:
        super().__init__()
        (folder / str(os.getpid())).touch()
        self.before["step"] = lambda _: time.sleep(step_s)


def slow_worker(folder: Path, step_s: float, name: str, observers: Sequence[Observer]) -> StepLoop:
    """A worker without torch: it starts at once, and a test can break it."""
    config = EngineConfig(device_name="fake", result_cache_bytes=0)
    return StepLoop(
        name,
        models=[Offered(SlowModel(folder, step_s), fingerprint=lambda: "fake")],
        config=config,
        observers=observers,
    )


def of_two_kinds(name: str, observers: Sequence[Observer]) -> StepLoop:
    """The first worker draws with a and b, every other one with b and c; without torch."""
    offered = []
    for letter in "ab" if name == "worker-1" else "bc":
        model = FakeModel()
        model.profile = replace(model.profile, name=letter)
        offered.append(Offered(model, fingerprint=lambda: "fake"))
    config = EngineConfig(device_name="fake", result_cache_bytes=0)
    return StepLoop(name, models=offered, config=config, observers=observers)


class Herd:
    """The processes of slow workers, for a test to kill or stop."""

    def __init__(self, folder: Path, step_s: float = 0.05) -> None:
        self._folder = folder
        self.build = partial(slow_worker, folder, step_s)

    def pids(self) -> list[int]:
        return sorted(int(path.name) for path in self._folder.iterdir() if _runs(int(path.name)))

    def signal(self, pid: int, what: signal.Signals = signal.SIGKILL) -> None:
        os.kill(pid, what)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] not in "ZX"
    except OSError:
        return False
