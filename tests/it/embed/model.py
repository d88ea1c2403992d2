"""An OpenAI-compatible endpoint over the model that ships in the package `wordllama`. Prints its port when it listens."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import wordllama

# The package looks for its tokenizer in a folder of another name; as a cache, its own folder is right.
MODEL = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        vectors = MODEL.embed(body["input"])
        data = [{"index": index, "embedding": vector.tolist()} for index, vector in enumerate(vectors)]
        answer = json.dumps({"data": data, "model": "wordllama", "object": "list"}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
