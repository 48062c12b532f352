"""Events: what SDKs send, what the platform keeps of it, and where it travels."""
