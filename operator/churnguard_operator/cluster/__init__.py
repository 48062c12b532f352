"""The API server: what may be asked of it, how a request is made, and how it is sent."""
