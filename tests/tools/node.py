#!/usr/bin/env python3
"""A stand-in for nodes with an OpenAI-style interface, for jsynth.bats:  node.py LOG

Prints the port, then serves POST /NAME/v1/chat/completions and /NAME/v1/completions on 127.0.0.1,
behaving as NAME says: good (a stream), plain (one JSON object), slow (never ends), cut (the
connection goes in the middle of the stream), late (pieces, then silence), empty, loop, binary,
html, error (a message of the interface), busy (503 once, then good), teapot (418), secret (wants the
key "sesame").  Each request is a line of LOG: path, whether a key came, the last message.
"""
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOG = sys.argv[1]
lock = threading.Lock()
seen = set()


def event(text, end=None):
    piece = {'choices': [{'index': 0, 'delta': {'content': text}, 'finish_reason': end}]}
    return b'data: ' + json.dumps(piece).encode() + b'\n\n'


class Node(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def send(self, status, body, kind='application/json'):
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, *parts):
        self.send_response(200)
        self.send_header('Content-Type', 'text/event-stream')
        self.end_headers()
        for p in parts:
            self.wfile.write(p)
            self.wfile.flush()

    def whole(self, text):
        body = {'choices': [{'message': {'role': 'assistant', 'content': text},
                             'finish_reason': 'stop'}],
                'usage': {'prompt_tokens': 7, 'completion_tokens': 3}}
        self.send(200, json.dumps(body).encode())

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        key = self.headers.get('Authorization')
        asked = body['messages'][-1]['content'] if 'messages' in body else body['prompt']
        with lock, open(LOG, 'a') as f:
            f.write(f"{self.path} {'key' if key else '-'} {json.dumps(asked)}\n")
        name = self.path.split('/')[1]
        with lock:
            first = name not in seen
            seen.add(name)
        good = [event('Rain '), event('falls '), event('down.', 'stop'), b'data: [DONE]\n\n']
        if name == 'good' or (name == 'busy' and not first):
            self.stream(b': hello\n\n', *good)
        elif name == 'plain':
            self.whole('Snow falls down.' if 'messages' in body else 'a completion')
        elif name == 'slow':
            time.sleep(30)
        elif name == 'late':
            self.stream(*good[:2])
            time.sleep(30)
        elif name == 'cut':
            self.stream(*good[:2], b'data: {"choi')
        elif name == 'empty':
            self.whole('  \n')
        elif name == 'loop':
            self.whole('again and ' * 200)
        elif name == 'binary':
            self.whole('\x01\x02\x03\x04 \x05')
        elif name == 'html':
            self.send(200, b'<html>Welcome to the router</html>', 'text/html')
        elif name == 'error':
            self.send(400, b'{"error":{"message":"model not loaded"}}')
        elif name == 'busy':
            self.send(503, b'busy')
        elif name == 'secret' and key == 'Bearer sesame':
            self.whole('open')
        elif name == 'secret':
            self.send(401, b'{"error":{"message":"no key"}}')
        else:
            self.send(418, b'')


server = ThreadingHTTPServer(('127.0.0.1', 0), Node)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
