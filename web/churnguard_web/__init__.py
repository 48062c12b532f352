"""What our HTTP servers have in common: bounded bodies, a server that drains, files that are read again."""
