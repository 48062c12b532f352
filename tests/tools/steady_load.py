"""A steady load on one address, for as long as standard input says nothing; a program for a pod, without any library.

Callers keep their connections, as an application's pool does, and send every request once. What has no good answer
counts as failed, whatever the reason: who tries again would not notice. The last line on standard output is the count.

    python3 steady_load.py HOST PATH BODY RATE CALLERS
"""

from __future__ import annotations

import collections
import http.client
import json
import sys
import threading
import time

SECONDS_PER_ANSWER = 10.0
TOLD_FAILURES = 20


class Caller(threading.Thread):
    """One connection, and its share of the load."""

    def __init__(self, *, name: str, host: str, path: str, body: bytes, first: float, every: float) -> None:
        super().__init__(name=name)
        self.answers: collections.Counter[str] = collections.Counter()
        self.failures: list[str] = []
        self.connections = 0
        self.longest = 0.0
        self.enough = threading.Event()
        self._host, self._path, self._body = host, path, body
        self._due, self._every = first, every

    def run(self) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=SECONDS_PER_ANSWER)
        # Who was kept waiting catches up: the load is as many requests as promised.
        while not self.enough.wait(max(0.0, self._due - time.monotonic())):
            self._due += self._every
            try:
                self.answers[self._ask(connection)] += 1
            except Exception as error:  # told in the end
                self.failures.append(f"{time.time():.3f} {type(error).__name__}: {error}")
                connection.close()
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> str:
        begun = time.monotonic()
        if connection.sock is None:  # the first, or the last answer said that it closes
            connection.connect()
            self.connections += 1
        connection.request("POST", self._path, self._body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        self.longest = max(self.longest, time.monotonic() - begun)
        if response.status != http.client.OK:
            raise ValueError(f"{response.status} {content[:200]!r}")
        answer = json.loads(content)
        return f"{answer['revision']} {answer['predictions'][0]['risk_score']:.9f}"


def main() -> None:
    host, path, body, rate, count = sys.argv[1:]
    callers, begun = int(count), time.monotonic()
    every = callers / float(rate)
    threads = [
        Caller(
            name=f"caller {number}",
            host=host,
            path=path,
            body=body.encode(),
            first=begun + number * every / callers,
            every=every,
        )
        for number in range(callers)
    ]
    for thread in threads:
        thread.start()
    sys.stdin.readline()
    for thread in threads:
        thread.enough.set()
    for thread in threads:
        thread.join()
    failures = sorted(failure for thread in threads for failure in thread.failures)
    report = {
        "seconds": time.monotonic() - begun,
        "answers": sum((thread.answers for thread in threads), collections.Counter()),
        "failed": len(failures),
        "failures": failures[:TOLD_FAILURES],
        "connections": sum(thread.connections for thread in threads),
        "longest": max(thread.longest for thread in threads),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
