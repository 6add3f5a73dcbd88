"""Passes the begins of penstock's alarms on to GitHub or Airflow.

It needs Python's standard library only. Settings come from the environment:
WEBHOOK_SECRET, as in the pipeline's drift.webhook.secret, and either GITHUB_TOKEN
and GITHUB_REPOSITORY (owner/name; GITHUB_API_URL where it is not github.com's), or
AIRFLOW_URL (…/dags/DAG/dagRuns) and AIRFLOW_TOKEN. LISTEN is HOST:PORT,
127.0.0.1:9000 by default.
"""

import base64
import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OLDEST = 300  # seconds that a post may be old


def key(secret):
    if secret.startswith("whsec_"):
        return base64.b64decode(secret[len("whsec_"):])
    return secret.encode()


def signed(headers, body, secret, now):
    """Tells whether penstock has made this post, lately."""
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(now - int(stamp)) > OLDEST:
        return False
    text = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    mac = base64.b64encode(hmac.new(key(secret), text, hashlib.sha256).digest()).decode()
    return hmac.compare_digest("v1," + mac, headers.get("webhook-signature", ""))


def request(event, env):
    """The request that an alarm becomes."""
    if "AIRFLOW_URL" in env:
        body = {"dag_run_id": event["id"], "logical_date": None, "conf": event}
        return env["AIRFLOW_URL"], env["AIRFLOW_TOKEN"], body
    api = env.get("GITHUB_API_URL", "https://api.github.com")
    url = f"{api}/repos/{env['GITHUB_REPOSITORY']}/dispatches"
    return url, env["GITHUB_TOKEN"], {"event_type": "penstock-drift", "client_payload": event}


def forward(event, env):
    url, token, body = request(event, env)
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    post = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(post, timeout=8) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        # Airflow has this run already: the post came again.
        return 200 if refused.code == 409 else 502
    except OSError:
        return 502


class Relay(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not signed(self.headers, body, os.environ["WEBHOOK_SECRET"], time.time()):
            return self.answer(401)
        event = json.loads(body)
        if not event["type"].endswith(".begin"):
            return self.answer(204)
        self.answer(forward(event, os.environ))

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    host, port = os.environ.get("LISTEN", "127.0.0.1:9000").rsplit(":", 1)
    ThreadingHTTPServer((host, int(port)), Relay).serve_forever()
