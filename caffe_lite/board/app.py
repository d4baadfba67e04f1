"""The web application: JSON about the runs of a folder, and the page that shows it."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from caffe_lite.board import net_view
from caffe_lite.board.live_run import LiveRun
from caffe_lite.board.processes import SIGNALS, ask
from caffe_lite.board.runs import Runs
from caffe_lite.board.trial import Trial
from caffe_lite.errors import CaffeError

HOSTS = ["127.0.0.1", "localhost", "[::1]", "testserver"]
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")
MOST_IMAGE = 20 * 2**20  # bytes
MOST_LOG = 200_000  # bytes of a log in one answer
EVERY = 0.5  # seconds between looks for what is new
SHARE = 0.1  # seconds of reading at a time, between which requests are answered

STATIC = Path(str(files("caffe_lite.board").joinpath("static")))
# Scripts and styles from the page's own server only; SVG pictures of a run cannot run scripts.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; object-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

Handler = Callable[[Request], Awaitable[Response]]


class NoSuchRunError(CaffeError):
    """A request names a run, a layer or a file that is not there."""


class WrongTokenError(CaffeError):
    """A request that does something lacks the token."""


def make_app(runs: Runs, token: str) -> Starlette:
    """The application for `runs`. Only who knows `token` can stop runs and try images."""
    board = _Board(runs, token)
    paths: dict[str, Handler] = {
        "/": board.page,
        "/api/runs": board.list_runs,
        "/api/curves": board.curves,
        "/api/csv": board.csv,
        "/api/log": board.log,
        "/api/net": board.net,
        "/api/layer": board.layer,
        "/api/pictures": board.pictures,
        "/api/picture": board.picture,
        "/api/activations": board.activations,
    }
    routes: list[Any] = [Route(path, _guarded(handler)) for path, handler in paths.items()]
    for path, handler in {"/api/ask": board.ask, "/api/image": board.image}.items():
        routes.append(Route(path, _guarded(handler), methods=["POST"]))
    routes.append(Mount("/static", StaticFiles(directory=STATIC)))
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    return Starlette(routes=routes, middleware=[trusted], lifespan=board.reading)


def _guarded(handler: Handler) -> Handler:
    """Errors become one line of JSON; every answer has the protecting headers."""

    async def answer(request: Request) -> Response:
        try:
            response = await handler(request)
        except WrongTokenError as error:
            response = JSONResponse({"error": str(error)}, 403)
        except NoSuchRunError as error:
            response = JSONResponse({"error": str(error)}, 404)
        except CaffeError as error:
            response = JSONResponse({"error": str(error)}, 400)
        response.headers.update(HEADERS)
        return response

    return answer


class _Board:
    def __init__(self, runs: Runs, token: str) -> None:
        self.runs, self.token = runs, token
        self._trial: tuple[str, Trial] | None = None  # the run that an image was tried on last

    @contextlib.asynccontextmanager
    async def reading(self, app: Starlette) -> AsyncIterator[None]:
        """Follow the runs in the background while the server is up."""
        self.runs.refresh()
        task = asyncio.create_task(self._follow())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _follow(self) -> None:
        while True:
            await asyncio.to_thread(self.runs.refresh)
            behind = list(self.runs.by_name.values())
            while behind:
                behind = [run for run in behind if await asyncio.to_thread(run.advance, SHARE)]
            await asyncio.sleep(EVERY)

    def _run(self, request: Request) -> LiveRun:
        name = request.query_params.get("run", "")
        run = self.runs.by_name.get(name)
        if run is None:
            raise NoSuchRunError(f'there is no run "{name}"')
        return run

    async def page(self, request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def list_runs(self, request: Request) -> Response:
        listed = []
        for run in self.runs.by_name.values():
            curves = run.curves()
            listed.append(
                {
                    "name": run.name,
                    **asdict(run.status()),
                    "curves": sorted(curves.curves),
                    "scores": curves.scores,
                    "badLines": run.bad_lines,
                    "snapshots": len(run.snapshots),
                    "hasNet": "net" in run.about,
                }
            )
        return JSONResponse({"root": str(self.runs.root), "runs": listed})

    async def curves(self, request: Request) -> Response:
        """Of each `run` that is asked for, its curves with at most `points` points each."""
        names = request.query_params.getlist("run")
        points = min(max(_whole(request, "points", 1000), 10), 20_000)
        by_name = self.runs.by_name
        chosen = [by_name[name] for name in names if name in by_name]
        return Response(
            await asyncio.to_thread(_curves, chosen, points), media_type="application/json"
        )

    async def csv(self, request: Request) -> Response:
        """Every point of one curve of a run."""
        run = self._run(request)
        name = request.query_params.get("curve", "")
        curve = run.curves().curves.get(name)
        if curve is None:
            raise NoSuchRunError(f'run "{run.name}" has no curve "{name}"')
        rows = zip(curve.iterations, curve.seconds, curve.values, strict=True)
        lines = [f"{i},{s:.6f},{v!r}" for i, s, v in rows]
        return PlainTextResponse("\n".join(["iteration,seconds,value", *lines]) + "\n")

    async def log(self, request: Request) -> Response:
        """The end of the run's text log, or what follows the byte `from`."""
        run = self._run(request)
        path = self.runs.file(run, "train.log")
        if path is None:
            return JSONResponse({"from": 0, "next": 0, "text": ""})
        size = path.stat().st_size
        start = _whole(request, "from", 0)
        if not 0 < start <= size:
            start = max(0, size - MOST_LOG)
        with open(path, "rb") as file:
            file.seek(start)
            data = file.read(MOST_LOG)
        text = data.decode(errors="replace")
        return JSONResponse({"from": start, "next": start + len(data), "text": text})

    async def net(self, request: Request) -> Response:
        run = self._run(request)
        phase = request.query_params.get("phase", "TRAIN")
        return JSONResponse(await asyncio.to_thread(net_view.graph, run, phase))

    async def layer(self, request: Request) -> Response:
        run, name = self._run(request), request.query_params.get("layer", "")
        found = await asyncio.to_thread(net_view.layer, run, name)
        if found is None:
            raise NoSuchRunError(f'the net of run "{run.name}" has no layer "{name}"')
        return JSONResponse(found)

    async def pictures(self, request: Request) -> Response:
        folder = self._run(request).path.parent
        names = [p.name for p in sorted(folder.iterdir()) if p.suffix.lower() in PICTURES]
        return JSONResponse(names)

    async def picture(self, request: Request) -> Response:
        run, name = self._run(request), request.query_params.get("name", "")
        path = self.runs.file(run, name)
        if path is None or path.suffix.lower() not in PICTURES:
            raise NoSuchRunError(f'run "{run.name}" has no picture "{name}"')
        return FileResponse(path)

    async def ask(self, request: Request) -> Response:
        """Ask a run to stop or to take a snapshot."""
        self._check_token(request)
        run, what = self._run(request), request.query_params.get("what", "")
        if what not in SIGNALS:
            raise CaffeError(f'a run can be asked to stop or to snapshot, not to "{what}"')
        if run.status().state not in ("running", "NaN") or "process" not in run.about:
            raise CaffeError(f'run "{run.name}" is not running')
        ask(run.about["process"], what, run.about.get("solver", ""))
        return JSONResponse({"asked": what})

    async def image(self, request: Request) -> Response:
        """Run the image in the request's body through the run's net."""
        self._check_token(request)
        run = self._run(request)
        if int(request.headers.get("Content-Length") or MOST_IMAGE + 1) > MOST_IMAGE:
            raise CaffeError(f"an image can have at most {MOST_IMAGE // 2**20} MiB")
        body = await request.body()
        return JSONResponse(await asyncio.to_thread(self._try_image, run, body))

    def _try_image(self, run: LiveRun, body: bytes) -> dict[str, Any]:
        trial = Trial(run)
        made = trial.run(body)
        self._trial = run.name, trial
        return made

    async def activations(self, request: Request) -> Response:
        run, layer = self._run(request), request.query_params.get("layer", "")
        if self._trial is None or self._trial[0] != run.name:
            return JSONResponse([])
        return JSONResponse(await asyncio.to_thread(self._trial[1].activations, layer))

    def _check_token(self, request: Request) -> None:
        given = request.headers.get("X-Token", "")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            raise WrongTokenError("wrong token; open the address that `caffe_lite board` printed")


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 16 else default


def _curves(runs: list[LiveRun], points: int) -> str:
    """The JSON of all curves, with null for numbers that JSON lacks."""
    found = {
        run.name: {
            name: [[v if math.isfinite(v) else None for v in values] for values in lists]
            for name, lists in run.thinned(points).items()
        }
        for run in runs
    }
    return json.dumps(found, allow_nan=False, separators=(",", ":"))
