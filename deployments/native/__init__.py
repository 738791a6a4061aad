"""The topology of docker-compose.yml without containers: for tests, benchmarks, and machines without Docker."""

from deployments.native.layout import Layout
from deployments.native.service import Service
from deployments.native.topology import Topology, native_topology, running, temporary_place

__all__ = ["Layout", "Service", "Topology", "native_topology", "running", "temporary_place"]
