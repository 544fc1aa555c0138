#!/usr/bin/env python3
"""Measures the server under load: clients at once, clients that hang up, and bodies of 100 MB.

    tools/measure_server.py [--clients 50] [--requests 4] [--model models/emoji] [--steps 20]

It starts a server on a free port of this machine, and prints tables in Markdown for docs/serving.md.
"""

import argparse
import pathlib
import re
import statistics
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bindings/python/src"), str(ROOT / "bindings/python/tests/server")]

from running_server import LONG, RunningServer, until  # noqa: E402

import pixart  # noqa: E402

MEBIBYTE = 1 << 20


def peak_memory(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def percentile(values, share):
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def direct(model, steps, images):
    """Seconds of an image without a server, with the stages open."""
    with pixart.Encoder(model) as encoder, pixart.Denoiser(model) as denoiser, pixart.Decoder(model) as decoder:
        begin = time.perf_counter()
        for seed in range(images):
            prompt, negative = encoder.encode("a cat"), encoder.encode("")
            pixart.encode_png(decoder.decode(denoiser.denoise(prompt, negative, seed=seed, num_inference_steps=steps)))
        return (time.perf_counter() - begin) / images


def load(model, clients, requests, steps):
    """Every client sends its requests one after the other; all begin at once."""
    server = RunningServer("--queue", str(clients), model=model)
    try:
        until(lambda: server.get("/ready").status == 200)
        server.generate(num_inference_steps=steps)
        seconds, statuses, start = [], [], threading.Barrier(clients + 1)

        def client(index):
            start.wait()
            for request in range(requests):
                begin = time.perf_counter()
                reply = server.generate(num_inference_steps=steps, seed=index * requests + request)
                seconds.append(time.perf_counter() - begin)
                statuses.append(reply.status)

        threads = [threading.Thread(target=client, args=(index,)) for index in range(clients)]
        for thread in threads:
            thread.start()
        start.wait()
        begin = time.perf_counter()
        for thread in threads:
            thread.join()
        whole = time.perf_counter() - begin
        memory = peak_memory(server)
        status, errors = server.stop()
        assert status == 0 and not errors, errors
    finally:
        server.close()
    alone = direct(model, steps, 10)
    answered = statuses.count(200)
    print(f"| clients at once | {clients}, with {requests} {'request' if requests == 1 else 'requests'} each |")
    print(f"| requests answered with an image | {answered} of {len(statuses)} |")
    print(
        f"| seconds of a request: median, 90%, 99% | {', '.join(f'{percentile(seconds, p):.2f}' for p in (50, 90, 99))} |"
    )
    print(f"| images each second | {answered / whole:.1f} |")
    print(f"| the same without a server, one after the other | {1 / alone:.1f} |")
    print(f"| peak memory of the server | {memory / MEBIBYTE:.0f} MiB |")


def hang_ups(model, times):
    """From the close of a client's socket until the worker is free."""
    server, seconds = RunningServer(model=model), []
    try:
        until(lambda: server.get("/ready").status == 200)
        for _ in range(times):
            connection = server.send(LONG)
            server.until_waiting(0)
            begin = time.perf_counter()
            connection.close()
            until(lambda: server.metric("pixart_running") == 0)
            seconds.append(time.perf_counter() - begin)
        server.stop()
    finally:
        server.close()
    print(f"| seconds until a run ends after its client hangs up: median, largest of {times} | ", end="")
    print(f"{statistics.median(seconds):.3f}, {max(seconds):.3f} |")


def large_bodies(model, times):
    server, seconds = RunningServer(model=model), []
    try:
        until(lambda: server.get("/ready").status == 200)
        server.generate()
        before, body = peak_memory(server), bytes(100_000_000)
        for _ in range(times):
            begin = time.perf_counter()
            reply = server.post("/v1/images/generations", body, Content_Type="application/json")
            seconds.append(time.perf_counter() - begin)
            assert reply.status == 413
        grown = peak_memory(server) - before
        server.stop()
    finally:
        server.close()
    print(f"| {times} bodies of 100 MB | all 413, {statistics.median(seconds):.2f} s each |")
    print(f"| growth of the server's peak memory by them | {grown / MEBIBYTE:.1f} MiB |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--requests", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--model", default=str(ROOT / "models/emoji"))
    arguments = parser.parse_args()
    print("| figure | value |\n|---|---|")
    load(arguments.model, arguments.clients, arguments.requests, arguments.steps)
    hang_ups(arguments.model, 20)
    large_bodies(arguments.model, 5)


if __name__ == "__main__":
    main()
