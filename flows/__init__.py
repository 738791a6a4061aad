"""The flows, one file each, and the `cardiograph` command."""
