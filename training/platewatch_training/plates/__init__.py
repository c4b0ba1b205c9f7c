"""Rendered number plates with exact corners and character positions.

`render_plate(random.Random(seed))` draws one plate as it leaves the workshop,
sometimes in a holder; `platewatch_training.camera` then spoils it as roads,
weather and cameras do.
"""

from .layout import ALPHABET, Plate, Spec
from .catalogue import COUNTRIES, render_plate, render_two_line

__all__ = ["ALPHABET", "COUNTRIES", "Plate", "Spec", "render_plate", "render_two_line"]
