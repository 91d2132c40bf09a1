"""The rows of the table: each a function that takes the run and gives figures."""

from . import durable, fan, mail, process, real, serial, stream

__all__ = ["ROWS"]

ROWS = {
    "http": serial.http,
    "https": serial.https,
    "six": fan.six,
    "six-slow": fan.six_slow,
    "hundred": fan.hundred,
    "stream": stream.instant,
    "stream-slow": stream.slow,
    "durable": durable.against_memory,
    "enqueue": durable.enqueue,
    "mail": mail.starttls,
    "real": real.six_types,
    "import": process.imports,
    "send": process.send,
    "help": process.help_page,
    "memory": process.memory,
    "parts": process.parts,
}
