"""The keeper: the one process that touches a target, and the last one to leave it."""
