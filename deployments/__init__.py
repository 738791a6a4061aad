"""How Cardiograph runs in more than one process: images, Prefect's deployments, the topology without containers."""
