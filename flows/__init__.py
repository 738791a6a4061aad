"""The flows, one file each, and the `cardiograph` command."""

# Before any flow imports Prefect: `tasks` switches its reports off.
from tasks.engine.log_lines import clean_log_lines

clean_log_lines()  # here, because every process that runs a flow imports this package, whoever started it
