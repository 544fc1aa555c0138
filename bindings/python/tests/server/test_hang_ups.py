"""Clients that hang up, one at a time and many at once."""

from __future__ import annotations

import json
import subprocess
import threading

import pytest
from running_server import LONG, SECONDS, SHORT, until


def cancelled(server, api="openai"):
    return server.metric(f'pixart_jobs_total{{api="{api}",outcome="cancelled"}}')


@pytest.mark.parametrize("stream", [False, True])
def test_running_job_ends(start_server, stream):
    with start_server() as server:
        connection = server.send({**LONG, "stream": stream})
        server.until_waiting(0)
        connection.close()
        assert server.generate().status == 200  # the worker is free again
        assert cancelled(server) == 1 and server.metric("pixart_images_total") == 1


def test_waiting_job_is_removed(start_server):
    with start_server() as server, server.send(LONG) as running:
        server.until_waiting(0)
        connection = server.send(LONG)
        server.until_waiting(1)
        connection.close()
        server.until_waiting(0)
        until(lambda: cancelled(server) == 1)
        running.close()
        assert server.generate().status == 200


def test_job_of_a_front_end_ends(start_server):
    with start_server() as server:
        long = {"prompt": "a cat", "steps": 100, "n_iter": 10, "width": 512, "height": 512}
        connection = server.send(long, "/sdapi/v1/txt2img")
        server.until_waiting(0)
        connection.close()
        until(lambda: cancelled(server, "stable_diffusion") == 1)


def test_hang_up_while_the_body_arrives(start_server):
    with start_server() as server:
        with server.connect() as connection:
            head = "POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            connection.sendall(head.encode() + b"Content-Length: 1000\r\n\r\n" + b"{" * 10)
        name = 'pixart_http_requests_total{method="POST",route="/v1/images/generations",status="499"}'
        until(lambda: server.metric(name) == 1)
        assert server.generate().status == 200


def test_curl_that_is_killed(start_server):
    with start_server() as server:
        url = f"{server.url}v1/images/generations"
        command = ["curl", "-sN", "--max-time", str(SECONDS), "--json", json.dumps({**LONG, "stream": True}), url]
        curl = subprocess.Popen(command, stdout=subprocess.PIPE)
        server.until_waiting(0)
        curl.kill()
        curl.communicate()
        assert server.generate().status == 200
        assert cancelled(server) == 1


def test_fifty_clients_of_which_half_hang_up(start_server):
    """Every request of those that stay is answered with its own image, and nothing is left afterwards."""
    with start_server("--queue", "60") as server:
        alone = server.generate(seed=100).json["data"][0]["b64_json"]
        replies, start = {}, threading.Barrier(50)

        def client(index):
            start.wait()
            if index % 2:
                with server.send({**SHORT, "n": 10, "seed": index}):
                    pass
            else:
                replies[index] = server.generate(seed=100 + index)

        threads = [threading.Thread(target=client, args=(index,)) for index in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [reply.status for reply in replies.values()] == [200] * 25
        images = [reply.json["data"][0] for reply in replies.values()]
        assert sorted(image["seed"] for image in images) == list(range(100, 150, 2))
        assert len({image["b64_json"] for image in images}) == 25 and alone == replies[0].json["data"][0]["b64_json"]
        until(lambda: server.metric("pixart_running") == 0 and server.metric("pixart_queue_length") == 0)
        done = server.metric('pixart_jobs_total{api="openai",outcome="done"}')
        assert done + cancelled(server) <= 51 and done >= 26
        assert server.stop() == (0, "")
