"""How the parts of a snapshot are shared out: orders, leases, coordinator, crew."""
