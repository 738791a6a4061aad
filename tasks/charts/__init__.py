"""Charts: functions from a frame to an Altair chart, named for the question that they answer."""
