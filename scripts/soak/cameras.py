"""Motion JPEG over HTTP from a clip, for ever, as a network camera sends it: the frames are made once.

The stream is cut every so often where asked, so that the box has to open its camera anew.
"""
import socket
import subprocess
import threading
import time


def frames(clip, width):
    """The clip's frames as JPEG."""
    made = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(clip), "-vf", f"scale={width}:-2", "-q:v", "4", "-f", "mjpeg", "-"],
        check=True, capture_output=True,
    ).stdout
    cuts, at = [], 0
    while True:
        end = made.find(b"\xff\xd9", at)
        if end < 0:
            return cuts
        cuts.append(made[at:end + 2])
        at = end + 2


class Camera:
    """Serves one clip on a port of its own on loopback."""

    def __init__(self, clip, width=1280, fps=12.0, cut_after_s=None):
        self.frames, self.fps, self.cut_after_s = frames(clip, width), fps, cut_after_s
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self._stream, args=(client,), daemon=True).start()

    def _stream(self, client):
        began, number = time.monotonic(), 0
        try:
            with client:
                client.recv(4096)
                client.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=f\r\n\r\n")
                while self.cut_after_s is None or time.monotonic() - began < self.cut_after_s:
                    jpeg = self.frames[number % len(self.frames)]
                    client.sendall(b"--f\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                                   + jpeg + b"\r\n")
                    number += 1
                    # A camera does not wait for whoever looks: the next frame comes at its time.
                    time.sleep(max(0.0, began + number / self.fps - time.monotonic()))
        except OSError:
            pass
