"""HTTP: the routes that events come by, in front of FastAPI."""
