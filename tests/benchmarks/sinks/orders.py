"""The sink's side of its pipes: orders are read in a thread and carried out in the event loop."""

import asyncio
import json
import sys
import threading

__all__ = ["run"]


def run(serve):
    """Run a sink: ``serve(loop)`` returns its facts and ``answer(order)``; ends when the orders do."""
    try:
        import uvloop as loops
    except ImportError:
        loops = asyncio
    loop = loops.new_event_loop()
    asyncio.set_event_loop(loop)
    facts, answer = loop.run_until_complete(serve(loop))

    def listen():
        for line in sys.stdin:
            loop.call_soon_threadsafe(_carry_out, answer, json.loads(line))
        loop.call_soon_threadsafe(loop.stop)

    _say(facts | {"loop": loops.__name__})
    threading.Thread(target=listen, daemon=True).start()
    loop.run_forever()


def _carry_out(answer, order):
    _say(answer(order))


def _say(words):
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()
