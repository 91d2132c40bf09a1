"""x"""


class Upkeep:
    """x"""
