"""What a judge notices, measured without labels: real cards with one thing taken away or put in."""
