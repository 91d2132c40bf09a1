"""Servers on loopback that do what a script says: right, wrong, late, or never."""
