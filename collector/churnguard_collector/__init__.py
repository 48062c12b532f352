"""The collector: events over HTTP, kept before they are acknowledged."""
