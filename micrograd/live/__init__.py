"""A hand on the training: the film's page with a kernel behind it, by anywidget."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import signal
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from .. import film, shell
from .. import functional as F
from ..optim import Optimizer
from .session import Session, Toy, sentence, usual_noise

__all__ = ["Live", "live"]

PATIENCE = 400  # times WAKE until a page that has not drawn a frame is taken for closed
WAKE = 0.005  # seconds; a timer wakes the kernel's loop, which a message alone does late
MOST_STEPS = 1000  # for one frame
RATES = {"sgd": 0.3, "momentum": 0.1, "adam": 0.03}


def live(
    model: Any = "moons",
    X: Any = None,
    y: Any = None,
    *,
    optimizer: Optimizer | str = "adam",
    loss: Callable = F.hinge_loss,
    lr: float | None = None,
    held: float = 0.2,
    jit: bool = True,
) -> Live:
    """A view in which a training is played, paused, stepped and steered, while it runs.

    `model` is the name of a toy data set, whose points and network can then be changed in the view
    too, or a model of two inputs, which is trained on X and y as `fit` would: by an optimizer of
    its parameters or one named here, `sgd`, `momentum` or `adam`. A share `held` of the points is
    held out; the loss there is beside that of the others. With `jit` the steps are compiled.

    In JupyterLab and Notebook 7 it is all there; elsewhere wherever anywidget runs, such as in VS
    Code and Colab. Without a kernel, as in an exported page, there is the film: of the start, or of
    what was trained, once the view was closed by its button. One view plays at a time.
    Raises TypeError or ValueError for what a film cannot show.
    """
    if isinstance(model, str):
        toy = Toy(model, noise=usual_noise(model), held=held)
        made = toy.made()
    elif X is None or y is None:
        raise TypeError("live() needs X and y beside a model, or the name of a toy data set")
    else:
        toy, made = None, (model, X, y, loss)
    if lr is None:
        lr = RATES.get(optimizer, 0.1) if isinstance(optimizer, str) else 0.1
    return Live(Session(toy, *made, optimizer, lr, held, jit))


class Live(anywidget.AnyWidget):
    """What `live` returns; it shows itself in a notebook."""

    _esm = traitlets.Unicode().tag(sync=True)
    story = traitlets.Dict().tag(sync=True)

    playing: Live | None = None  # the one view whose loop runs

    def __init__(self, session: Session) -> None:
        super().__init__(_esm=script(), story=session.story())
        self.session, self.speed, self.task, self.shown = session, 1, None, None
        self.drawn, self.kernel = asyncio.Event(), loop_here()
        self.on_msg(self.asked)

    def _ipython_display_(self, **_: Any) -> None:
        from IPython.display import display

        bundle, metadata = self.still()
        widget: Any = self._repr_mimebundle_()
        bundle |= widget[0] if isinstance(widget, tuple) else widget
        self.shown = display(bundle, metadata=metadata, raw=True, display_id=True)

    def still(self):
        """The film of what was trained, as a notebook shows it."""
        bundle, metadata = self.session.film()._repr_mimebundle_()
        bundle["image/png"] = base64.b64encode(bundle["image/png"]).decode()
        return bundle, metadata

    def set_state(self, sync_data):
        """Take nothing over from a page, which asks by messages."""

    def asked(self, _, content, buffers):
        """Do what a message of the page asks for; what goes wrong is told there."""
        known = {
            "hello": self.hello,
            "play": self.play,
            "pause": self.pause,
            "step": self.step,
            "restart": self.restart,
            "set": self.set,
            "speed": self.set_speed,
            "drawn": self.drawn.set,
            "close": self.close_view,
        }
        with self.told_errors():
            if do := known.get(content.get("do")):
                do(*content.get("with", []))

    @contextlib.contextmanager
    def told_errors(self):
        try:
            yield
        except Exception as error:
            self.pause()
            self.send({"error": sentence(error)})

    def hello(self):
        """Tell a page that has just opened all that there is."""
        self.send({"story": self.session.story(), "playing": self.task is not None})
        self.show()

    def show(self):
        told, weights = self.session.frame()
        self.send({"frame": told}, [weights])

    def step(self):
        self.pause()
        self.session.advance(self.speed)
        self.show()

    def restart(self):
        self.session.restart()
        self.hello()

    def set(self, name, value):
        if self.session.set(name, value):
            self.hello()
        else:
            self.send({"settings": self.session.story()["settings"]})

    def set_speed(self, steps):
        self.speed = max(1, min(MOST_STEPS, int(steps)))

    def play(self):
        if Live.playing:
            Live.playing.pause()
        Live.playing = self
        self.task = asyncio.get_running_loop().create_task(self.run())
        self.on_interrupt(lambda *_: self.pause())
        self.send({"playing": True})

    def pause(self):
        """Stop the loop after its step, if it runs."""
        if Live.playing is self:
            Live.playing = None
            self.on_interrupt(signal.SIG_IGN)  # as a waiting kernel does
        self.task = None
        self.send({"playing": False})

    def on_interrupt(self, handler):
        """Have the kernel do something at an interrupt while it waits.

        It is told in its own loop: messages of a page may be heard in another thread.
        """
        if self.kernel:
            self.kernel.call_soon_threadsafe(signal.signal, signal.SIGINT, handler)

    def close_view(self):
        """Stop, and leave the film of what was trained in the place of the view."""
        self.pause()
        if self.shown:
            bundle, metadata = self.still()
            self.shown.update(bundle, metadata=metadata, raw=True)
        self.close()

    async def run(self):
        """Train and show, a frame when the last one is drawn, until somebody stops it."""
        own = asyncio.current_task()
        with self.told_errors():
            while self.task is own:
                self.drawn.clear()
                self.session.advance(self.speed)
                self.show()
                await self.looked_at()

    async def looked_at(self):
        """Wait until the page has drawn; where it does not, nobody looks, and there is no more."""
        for _ in range(PATIENCE):
            await asyncio.sleep(WAKE)
            if self.drawn.is_set():
                return
        self.pause()


def loop_here():
    """The loop of this thread, if one runs."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def script() -> str:
    """The module that draws a view."""
    css = shell.asset("shell.css") + film.page.asset("film.css") + asset("live.css")
    js = shell.asset("shell.js") + film.page.scripts() + asset("live.js")
    return f"{shell.compact(js)}\nconst css = {shell.literal(shell.compact(css))};\n{RENDER}"


def asset(name):
    return shell.asset(name, __package__)


RENDER = """\
export default { render: ({ model, el }) => microgradLive(el, css, model) };
"""
