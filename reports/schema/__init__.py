"""Published schemas of what reports write, as data."""
