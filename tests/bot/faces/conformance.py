"""What every face must do, written once: a face's tests subclass `FaceConformance` and give it a driver, a
`tests.bot.faces.driver.Face`. What a platform has no notion of stands in `CANNOT` and in docs/commands.md.
"""

from __future__ import annotations

from tests.bot.faces.suite.asking import Asking
from tests.bot.faces.suite.pictures import Pictures
from tests.bot.faces.suite.pressing import Pressing
from tests.bot.faces.suite.restarts import Restarts


class FaceConformance(Asking, Restarts, Pictures, Pressing):
    """Subclasses provide the fixture `face`, of a bot with `settings`."""
