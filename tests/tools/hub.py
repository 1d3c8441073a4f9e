#!/usr/bin/env python3
"""A stand-in for the model hub's HTTP interface, for jmodel_fetch.bats:  hub.py FOLDER LOG

FOLDER/ORG/NAME/ holds the files of a repository.  Prints the port, then serves on 127.0.0.1:
  GET /api/models/ORG/NAME/revision/REV      commit, licence, files with sizes and SHA-256
  GET /ORG/NAME/resolve/COMMIT/FILE          the file; *.safetensors by a redirect to /cdn/...
Ranges are honoured.  Behaviour by name of the repository: "gated" wants the token "secret", "cut"
drops the connection once in the middle of each large file, "flaky" answers 503 once for each path,
"wrong" tells a wrong hash, "evil" lists names that leave the folder, "norange" ignores ranges.
Each request is a line of LOG: method, path, Range, whether a token came.
"""
import hashlib
import json
import os
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT, LOG = sys.argv[1:]
COMMIT = '0123456789abcdef0123456789abcdef01234567'
seen = set()


def files_of(repo):
    top = os.path.join(ROOT, repo)
    for base, _, names in os.walk(top):
        for name in names:
            yield os.path.relpath(os.path.join(base, name), top)


def describe(repo, name):
    path = os.path.join(ROOT, repo, name)
    with open(path, 'rb') as f:
        data = f.read()
    entry = {'rfilename': name, 'size': len(data), 'blobId': 'x'}
    if name.endswith(('.safetensors', '.gguf')):
        sha = hashlib.sha256(data).hexdigest()
        entry['lfs'] = {'sha256': '0' * 64 if repo.endswith('wrong') else sha, 'size': len(data)}
    return entry


class Hub(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def answer(self, status, body=b'', **headers):
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k.replace('_', '-'), v)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def once(self, what):
        first = what not in seen
        seen.add(what)
        return first

    def do_GET(self):
        with open(LOG, 'a') as f:
            f.write(f"GET {self.path} {self.headers.get('Range', '-')} "
                    f"{'token' if self.headers.get('Authorization') else '-'}\n")
        path = self.path.split('?')[0]
        api = re.fullmatch(r'/api/models/(\w+/[\w.-]+)/revision/([\w.%-]+)', path)
        got = re.fullmatch(r'/(cdn/)?(\w+/[\w.-]+)/resolve/(\w+)/(.+)', path)
        repo = (api or got) and (api.group(1) if api else got.group(2))
        if not repo or not os.path.isdir(os.path.join(ROOT, repo)):
            return self.answer(404, b'{"error":"Repository not found"}')
        if repo.endswith('gated') and not (got and got.group(1)) and \
                self.headers.get('Authorization') != 'Bearer secret':
            return self.answer(401, b'Access to this model is restricted')
        if repo.endswith('flaky') and self.once(path):
            return self.answer(503, b'busy')
        if api:
            return self.model(repo, api.group(2))
        return self.file(repo, got)

    def model(self, repo, revision):
        if revision not in ('main', 'v1%2Frc'):
            return self.answer(404, b'{"error":"Invalid rev id"}')
        entries = [describe(repo, n) for n in sorted(files_of(repo))]
        if repo.endswith('evil'):
            entries += [{'rfilename': n, 'size': 1} for n in
                        ('../config.json', '/etc/config.json', '.safetensors', 'a/../config.json')]
        body = {'id': repo, 'sha': COMMIT, 'siblings': entries, 'tags': ['license:apache-2.0']}
        self.answer(200, json.dumps(body).encode(), Content_Type='application/json')

    def file(self, repo, got):
        name = got.group(4)
        try:
            with open(os.path.join(ROOT, repo, name), 'rb') as f:
                data = f.read()
        except OSError:
            return self.answer(404, b'Entry not found')
        if name.endswith('.safetensors') and not got.group(1):
            return self.answer(302, Location='/cdn' + self.path,
                               X_Linked_Etag=f'"{hashlib.sha256(data).hexdigest()}"')
        start, status = 0, 200
        asked = re.fullmatch(r'bytes=(\d+)-', self.headers.get('Range', ''))
        if asked and not repo.endswith('norange'):
            start, status = int(asked.group(1)), 206
        part = data[start:]
        if repo.endswith('cut') and len(part) > 1000 and self.once(('cut', name)):
            self.send_response(status)
            self.send_header('Content-Length', str(len(part)))
            self.end_headers()
            self.wfile.write(part[:len(part) // 2])
            self.wfile.flush()
            self.close_connection = True
            return None
        extra = {'Content_Range': f'bytes {start}-{len(data) - 1}/{len(data)}'} if status == 206 else {}
        return self.answer(status, part, **extra)


server = ThreadingHTTPServer(('127.0.0.1', 0), Hub)
print(server.server_port, flush=True)
server.serve_forever()
