"""Logging: what happened, as events with facts, on standard error.

A log line is a short event and its facts (`batch committed`, hop, events, seconds). On a terminal
it is laid out for people, elsewhere it is one JSON object a line for machines. What libraries log
through the standard library takes the same way and looks the same. Standard output is for results,
so nothing is ever logged there. No usage is logged: neither numbers of subscribers nor bodies of
events.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

# What the web server says about each request is in the metrics, by route.
QUIET_LOGGERS = ("uvicorn.access", "asyncio")

# Commands that do not set logging up say on standard error, too, what is amiss, and nothing more.
structlog.configure(
    wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
)


def set_up(level: str = "info", stream: TextIO | None = None) -> None:
    """Send everything that is logged in this process to a stream, standard error by default.

    Args:
        level: the least important level that is shown: debug, info, warning or error.
        stream: where to; JSON unless it is a terminal.
    """
    target = sys.stderr if stream is None else stream
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(target),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def _renderers(stream: TextIO) -> list[Processor]:
    """How an event becomes a line: for people on a terminal, else for machines.

    Tracebacks come without the values of variables: those may hold numbers of subscribers.
    """
    if stream.isatty():
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    without_values = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(without_values),
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger of events with facts: `logger("weir.worker").info("started", hop="rate")`."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound
