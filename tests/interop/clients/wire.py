#!/usr/bin/env python3
"""A tap on the wire: ends TLS, passes every byte on to the bridge over TLS, and writes down what was asked.

Usage: wire.py LISTEN_PORT BRIDGE_PORT CERTIFICATE KEY CA OUT

A line of JSON per request in OUT: connection, nth on it, method, path, the query's and the body's names in their order, headers
(what is secret is only measured), grant, when. Bytes pass unchanged, so keep-alive, pipelining and 100-continue are the bridge's own.
"""
import asyncio
import json
import ssl
import sys
import time
import urllib.parse

SECRET = {"x-amz-sso_bearer_token", "authorization", "cookie"}


class Requests:
    """Takes a connection's bytes, writes down each request that is complete."""

    def __init__(self, connection, out):
        self.connection, self.out, self.nth, self.bytes = connection, out, 0, b""

    def feed(self, data):
        self.bytes += data
        while b"\r\n\r\n" in self.bytes:
            head, _, rest = self.bytes.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = [line.partition(":") for line in lines[1:]]
            headers = {name.lower(): value.strip() for name, _, value in headers}
            if headers.get("transfer-encoding", "").lower() == "chunked":
                body, end, after = rest.partition(b"0\r\n\r\n")
                if not end:
                    return
            else:
                size = int(headers.get("content-length") or 0)
                if len(rest) < size:
                    return
                body, after = rest[:size], rest[size:]
            self.bytes = after
            self.write(lines[0].split(" "), headers, body)

    def write(self, line, headers, body):
        path, _, query = line[1].partition("?")
        said = {"connection": self.connection, "nth": self.nth, "at": time.time(), "method": line[0], "path": path,
                "query": [name for name, _ in urllib.parse.parse_qsl(query, keep_blank_values=True)], "size": len(body)}
        said["headers"] = {name: f"{len(value)} bytes" if name in SECRET else value for name, value in headers.items()}
        try:
            members = json.loads(body)
            said["members"] = list(members)
            said["grant"] = members.get("grantType")
        except (ValueError, AttributeError):
            pass
        self.out.write(json.dumps(said) + "\n")
        self.out.flush()
        self.nth += 1


async def copy(reader, writer, see):
    try:
        while data := await reader.read(65536):
            see(data)
            writer.write(data)
            await writer.drain()
    except (OSError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def main(listen, bridge, certificate, key, authority, out):
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(certificate, key)
    client_side = ssl.create_default_context(cafile=authority)
    connections = 0

    async def accept(reader, writer):
        nonlocal connections
        connections += 1
        requests = Requests(connections, record)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(bridge), ssl=client_side,
                                                                   server_hostname="localhost")
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, far_writer, requests.feed), copy(far_reader, writer, lambda data: None))

    with open(out, "a", encoding="utf-8") as record:
        server = await asyncio.start_server(accept, "127.0.0.1", int(listen), ssl=server_side, backlog=200)
        async with server:
            await server.serve_forever()


if len(sys.argv) != 7:
    sys.exit(__doc__)
asyncio.run(main(*sys.argv[1:]))
