"""Draws terminal.svg beside this file: what a terminal shows of a plan, and in the middle of a run. `make picture` calls it.

The program, the terminal and the two registries are real. Between them stands a proxy that knows which registry each of the two names
means, and is as slow as a line to another town.
"""

import asyncio
import fcntl
import hashlib
import http.client
import json
import os
import pathlib
import pty
import random
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from html import escape

import pyte

PROGRAM = os.path.abspath(sys.argv[1])
COLUMNS, ROWS = 140, 30
# Pixels of a character.
WIDTH, HEIGHT = 7.0, 16
COLOURS = {
    "default": "#d6dde4",
    "black": "#5c6773",
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#e3b341",
    "blue": "#79b8ff",
    "magenta": "#d2a8ff",
    "cyan": "#76d9e6",
    "white": "#f0f4f8",
}
# Where each of them is.
NAMES = {"harbor.corp": 0, "registry.example.com": 0}
IMAGES = {
    "team-a/api": ["v2.3.0", "v2.4.0"],
    "team-a/web": ["v1.8.1", "v1.9.0"],
    "team-b/jobs/mailer": ["v0.7.2"],
    "team-b/jobs/reports": ["v0.9.4", "v1.0.0"],
}

def free():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]

def registry(place, name):
    port = free()
    file = f"{place}/{name}.yml"
    with open(file, "w") as out:
        out.write(f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage: {{filesystem: {{rootdirectory: {place}/{name}}}}}\nhttp: {{addr: 127.0.0.1:{port}}}\n")
    process = subprocess.Popen(["docker-registry", "serve", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process, port
        except OSError:
            time.sleep(0.02)

def fill(port):
    """Puts IMAGES there: each repository has a layer that its tags share."""
    connection, rng = http.client.HTTPConnection("127.0.0.1", port), random.Random(1)

    def ask(method, path, body=b"", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status < 300, (method, path, answer.status)
        return answer

    def blob(repository, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        session = ask("POST", f"/v2/{repository}/blobs/uploads/", Content_Length="0").getheader("location")
        session = re.sub("^http://[^/]*", "", session)
        ask("PUT", f"{session}&digest={digest}", data, Content_Type="application/octet-stream")
        return {"digest": digest, "size": len(data)}

    def layer(repository, data):
        return {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **blob(repository, b"\x1f\x8b\x08" + data)}

    for repository, tags in IMAGES.items():
        base = rng.randbytes(9_000_000)
        for tag in tags:
            layers = [layer(repository, data) for data in (base, rng.randbytes(rng.randrange(6_000_000, 30_000_000)))]
            config = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Labels": {"tag": tag}}}).encode()
            config = {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(repository, config)}
            kind = "application/vnd.oci.image.manifest.v1+json"
            manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}
            ask("PUT", f"/v2/{repository}/manifests/{tag}", json.dumps(manifest).encode(), Content_Type=kind)


async def pump(source, sink, rate):
    while data := await source.read(16384):
        sink.write(data)
        await sink.drain()
        await asyncio.sleep(len(data) / rate)


async def forward(reader, writer, rate):
    """One request to a registry, by the name that stands in it."""
    head = await reader.readuntil(b"\r\n\r\n")
    host = re.match(rb"\S+ http://([^/]+)", head).group(1).decode()
    head = re.sub(rb"^(\S+) http://[^/]+", rb"\1 ", head)
    answer, request = await asyncio.open_connection("127.0.0.1", NAMES[host])
    request.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    upload = asyncio.create_task(pump(reader, request, rate))
    try:
        await pump(answer, writer, rate)
    except ConnectionError:
        pass
    upload.cancel()
    request.close()
    writer.close()


def proxy(rate):
    port = free()
    async def serve():
        async with await asyncio.start_server(lambda r, w: forward(r, w, rate), "127.0.0.1", port) as server:
            await server.serve_forever()
    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    time.sleep(0.3)
    return port

def show(words, place, seconds=None):
    """The command in a terminal, and its screen after so many seconds or at its end."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(place)
        os.environ.update(TERM="xterm-256color", HOME=place)
        os.execv(PROGRAM, ["image-transfer", *words])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    end = time.time() + (seconds or 60)
    while time.time() < end:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            if not data:
                break
            stream.feed(data)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    lines = [[screen.buffer[row][column] for column in range(COLUMNS)] for row in range(ROWS)]
    while lines and all(char.data == " " for char in lines[-1]):
        lines.pop()
    return lines

def drawn(command, lines):
    """The spans of a command and what came of it, a list of pairs of text and colour for each line."""
    rows = [[("$ ", COLOURS["green"]), (command, COLOURS["white"])]]
    for line in lines:
        row = []
        for char in line:
            colour = COLOURS.get(char.fg, COLOURS["default"] if char.fg == "default" else f"#{char.fg}")
            if row and row[-1][1] == colour:
                row[-1] = (row[-1][0] + char.data, colour)
            else:
                row.append((char.data, colour))
        rows.append(row)
    return rows


def svg(rows):
    width, height = int(COLUMNS * WIDTH + 32), int(len(rows) * HEIGHT + 56)
    text = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        "<title>A terminal: image-transfer plan, and image-transfer run on its way</title>",
        f'<rect width="{width}" height="{height}" rx="9" fill="#161b22"/>',
        *(f'<circle cx="{20 + 18 * at}" cy="18" r="5.5" fill="{fill}"/>' for at, fill in enumerate(["#ff5f56", "#ffbd2e", "#27c93f"])),
        '<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="11.6">',
    ]
    for number, row in enumerate(rows):
        at = 0
        for words, colour in row:
            shown = words.strip(" ")
            if shown:
                x, y = 16 + (at + words.index(shown)) * WIDTH, 46 + number * HEIGHT
                # Spaces within would be made one.
                shown, length = escape(shown.replace(" ", "\u00a0")), len(shown) * WIDTH
                text.append(f'<text x="{x:.1f}" y="{y}" fill="{colour}" textLength="{length:.1f}">{shown}</text>')
            at += len(words)
    return "\n".join([*text, "</g>", "</svg>", ""])


def main():
    with tempfile.TemporaryDirectory() as place:
        source, NAMES["harbor.corp"] = registry(place, "source")
        target, NAMES["registry.example.com"] = registry(place, "target")
        try:
            fill(NAMES["harbor.corp"])
            port = proxy(2_500_000)
            pathlib.Path(place, "everything.yaml").write_text(f"""version: 1
registries:
  harbor.corp: {{plain-http: true, proxy: "http://127.0.0.1:{port}"}}
  registry.example.com: {{plain-http: true, proxy: "http://127.0.0.1:{port}"}}
transfers:
  - name: everything
    from: {{plugin: catalog, with: {{registry: harbor.corp}}}}
    map: [{{plugin: rewrite, with: {{prefix: mirror/}}}}]
    to: {{registry: registry.example.com}}
""")
            rows = []
            for words, seconds in ((["plan", "everything.yaml"], None), (["run", "everything.yaml"], 7.5)):
                rows += drawn("image-transfer " + " ".join(words), show(words, place, seconds)) + [[]]
            pathlib.Path(__file__).with_name("terminal.svg").write_text(svg(rows[:-1]))
        finally:
            source.kill()
            target.kill()


if __name__ == "__main__":
    main()
