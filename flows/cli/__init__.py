"""The `cardiograph` command: a file per command or group of commands."""
