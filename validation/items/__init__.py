"""What is run, what it must come out as, and where the circuits miss the data: the one list behind docs/validation.md."""

from items import contextual, networks, other_models, rhythms

ITEMS = contextual.ITEMS + other_models.ITEMS + rhythms.ITEMS + networks.ITEMS
