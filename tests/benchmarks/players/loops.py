"""The loops that one writes without a framework: naive, tuned, and urllib3 alone."""

import json
import threading

import requests
import urllib3

from benchmarks.marks import fields, mark

from .playing import Playing, serve

_HEADERS = {"Content-Type": "application/json"}


class Loops(Playing):
    """Its target is a list of URLs and the ``way``: ``naive``, ``tuned`` or ``urllib3``."""

    def setup(self, urls, way, authorities=None):
        self.urls, self.authorities = urls, authorities
        self._post = getattr(self, f"_{way}")
        self._local = threading.local()
        self._pool = urllib3.PoolManager(maxsize=64, ca_certs=authorities)

    def send(self, number):
        message = {"alert_id": mark(number)} | fields(number)
        for url in self.urls:
            self._post(url, message)

    def _naive(self, url, message):
        requests.post(url, json=message, timeout=15, verify=self.authorities or True).raise_for_status()

    def _tuned(self, url, message):
        """A kept session, a prepared request, the proxies read once: what an expert would write."""
        if not hasattr(self._local, "session"):
            self._local.session, self._local.prepared = requests.Session(), {}
            self._local.proxies = requests.utils.get_environ_proxies(url)
            self._local.session.verify = self.authorities or True
        session, prepared = self._local.session, self._local.prepared.get(url)
        if prepared is None:
            request = requests.Request("POST", url, headers=_HEADERS, data=b"{}")
            prepared = self._local.prepared[url] = session.prepare_request(request)
        prepared.body = json.dumps(message).encode()
        prepared.headers["Content-Length"] = str(len(prepared.body))
        session.send(
            prepared, timeout=15, proxies=self._local.proxies, verify=session.verify, allow_redirects=False
        ).raise_for_status()

    def _urllib3(self, url, message):
        answer = self._pool.request(
            "POST", url, body=json.dumps(message), headers=_HEADERS, timeout=15, redirect=False, retries=False
        )
        if answer.status >= 300:
            raise RuntimeError(f"answered {answer.status}")


if __name__ == "__main__":
    serve(Loops())
