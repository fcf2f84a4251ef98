"""Parlour, a made-up platform in memory, of a very different kind than Discord."""
