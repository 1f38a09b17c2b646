"""Keys, tokens, and the tables that cases are written into."""

import base64, json, time
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

NOW = int(time.time())


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).rstrip(b"=").decode()


def big(number, size=None):
    return b64(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))


def digest(alg):
    return {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}[alg[2:]]()


class Rsa:
    def __init__(self, kid, bits=2048, e=65537):
        self.key, self.kid = rsa.generate_private_key(e, bits), kid

    def jwk(self, **more):
        public = self.key.public_key().public_numbers()
        return {"kty": "RSA", "n": big(public.n), "e": big(public.e), "kid": self.kid, **more}

    def sign(self, message, alg):
        h = digest(alg)
        pad = padding.PKCS1v15() if alg[0] == "R" else padding.PSS(padding.MGF1(h), h.digest_size)
        return self.key.sign(message, pad, h)


class Ec:
    def __init__(self, kid, crv="P-256"):
        curve = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}[crv]()
        self.key, self.kid, self.crv, self.size = (
            ec.generate_private_key(curve),
            kid,
            crv,
            (curve.key_size + 7) // 8,
        )

    def jwk(self, **more):
        public = self.key.public_key().public_numbers()
        x, y = big(public.x, self.size), big(public.y, self.size)
        return {"kty": "EC", "crv": self.crv, "x": x, "y": y, "kid": self.kid, **more}

    def sign(self, message, alg):
        r, s = utils.decode_dss_signature(self.key.sign(message, ec.ECDSA(digest(alg))))
        return r.to_bytes(self.size, "big") + s.to_bytes(self.size, "big")


class Ed:
    def __init__(self, kid):
        self.key, self.kid = ed25519.Ed25519PrivateKey.generate(), kid

    def jwk(self, **more):
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": b64(self.key.public_key().public_bytes_raw()),
            "kid": self.kid,
            **more,
        }

    def sign(self, message, alg):
        return self.key.sign(message)


class Oct:
    def __init__(self, kid, secret):
        self.secret, self.kid = secret, kid

    def jwk(self, **more):
        return {"kty": "oct", "k": b64(self.secret), "kid": self.kid, **more}

    def sign(self, message, alg):
        mac = hmac.HMAC(self.secret, digest(alg))
        mac.update(message)
        return mac.finalize()


class Raw:
    """Makes signatures with a function."""

    def __init__(self, sign):
        self.sign = lambda message, alg: sign(message)


A, B = "https://a.example", "https://b.example"
KA, KB, KX = Ec("k1"), Ec("k2"), Ec("k1")
TOKENS, KEY_SETS, CASES = {}, {}, []


def named(table, value, prefix):
    for name, known in table.items():
        if known == value:
            return name
    table[f"{prefix}{len(table)}"] = value
    return f"{prefix}{len(table) - 1}"


def jwks(*keys):
    return named(
        KEY_SETS,
        (
            keys[0]
            if len(keys) == 1 and isinstance(keys[0], str)
            else json.dumps({"keys": keys}, separators=(",", ":"))
        ),
        "k",
    )


def text(value):
    return value if isinstance(value, (str, bytes)) else json.dumps(value, separators=(",", ":"))


def token_text(header, payload, key, alg="ES256"):
    signed = b64(text(header)) + "." + b64(text(payload))
    return signed + "." + b64(key.sign(signed.encode(), alg))


def name_of(token):
    return "{%s}" % named(TOKENS, token, "t")


def claims(drop=(), **more):
    all_claims = {"iss": A, "sub": "user", "exp": NOW + 3600, **more}
    return {name: value for name, value in all_claims.items() if name not in drop}


def token(key=None, header=None, drop=(), **more):
    key = key or (KB if more.get("iss") == B else KA)
    return token_text({"alg": "ES256", "kid": key.kid, **(header or {})}, claims(drop, **more), key)


def T(*args, **kwargs):
    return name_of(token(*args, **kwargs))


def bearer(value):
    return [["authorization", "Bearer " + value]]


def R(name, headers=(), path="/", method="GET"):
    return {"name": name, "method": method, "path": path, "headers": [list(h) for h in headers]}


def case(config, rules, requests, **more):
    CASES.append(
        {"config": config, "rules": rules, "requests": [dict(request) for request in requests], **more}
    )
