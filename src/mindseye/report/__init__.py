"""What a person reads: rooms composed into pages and figures."""
