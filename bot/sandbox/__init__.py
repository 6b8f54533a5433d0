"""The offline world: servers that speak the real protocols, their page, the bot in the middle."""


class NoClusterError(Exception):
    """The real cluster that was asked for cannot be used: why, in one sentence."""
