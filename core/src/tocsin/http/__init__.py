"""HTTP for channels: one pooled session per channel, a total deadline, bounded answers, and errors without URLs.

The only place in the core that imports requests; installed with ``tocsin[http]``, loaded for the channels that need it.
"""

from tocsin.guard import AddressGuard
from tocsin.http.client import HttpClient
from tocsin.http.response import HttpResponse, failure_for

__all__ = ["AddressGuard", "HttpClient", "HttpResponse", "failure_for"]
