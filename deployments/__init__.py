"""How Cardiograph runs on more than one process: images, Prefect's deployments, the topology without containers."""
