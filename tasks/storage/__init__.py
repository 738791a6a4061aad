"""Where everything lies: the lake, the warehouse, and what is published."""
