"""What Envoy is asked: a configuration and its requests per `case`."""

import base64, random
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tokens import *

RANDOM = random.Random(20260831)

JA, JB, JAB = jwks(KA.jwk(alg="ES256")), jwks(KB.jwk(alg="ES256")), jwks(KA.jwk(), KB.jwk())
SINGLE, OTHER = {"issuer": A, "jwks": JA}, {"issuer": B, "jwks": JB}
VT, XT, VBT = token(), token(exp=NOW - 3600), token(iss=B)
V, X, VB, XB, UNKNOWN = name_of(VT), name_of(XT), name_of(VBT), T(iss=B, exp=NOW - 3600), T(iss="https://c.example")
H, P, G = VT.split(".")
CORS = [["origin", "https://x.example"], ["access-control-request-method", "GET"]]


def locations():
    def header(*specs):
        return [{**SINGLE, "fromHeaders": [dict(zip(("name", "prefix"), spec)) for spec in specs]}]

    x = lambda *values: [["x-t", value] for value in values]
    case(
        "header",
        header(("x-t",)),
        [
            R("valid", x(V)),
            R("valid, valid", x(V, V)),
            R("valid, expired", x(V, X)),
            R("expired, valid", x(X, V)),
            R("empty", x("")),
            R("garbage, valid", x("g", V)),
            R("list", x(V + "," + V)),
            R("absent"),
        ],
    )
    case(
        "prefix",
        header(("x-t", "Pre")),
        [
            R("alone", x("Pre")),
            R("spaces", x("Pre   ")),
            R("no space", x("Pre" + V)),
            R("junk between", x("Pre!!!" + V)),
            R("twice", x(f"Pre {V} Pre {V}")),
            R("no token characters", x("Pre ===")),
            R("other case", x("pre " + V)),
            R("none", x(V)),
            R("behind the token", x(V + "Pre")),
        ],
    )
    case(
        "two prefixes",
        header(("x-t", "A "), ("x-t", "B ")),
        [
            R("one", x("A " + V)),
            R("both in one", x(f"A {V} B {X}")),
            R("A valid, B expired", x("A " + V, "B " + X)),
            R("both", x("A " + V, "B " + V)),
        ],
    )
    for name in ("cookie", "user-agent", "origin", "via", "proxy-authorization", "x-forwarded-host", "grpc-timeout", "authentication", "dpop"):
        case(
            "several " + name,
            header((name,)),
            [R("one", [[name, V]]), R("valid, valid", [[name, V]] * 2), R("valid, expired", [[name, V], [name, X]])],
        )
    cookie = lambda *values: [["cookie", value] for value in values]
    case(
        "cookies",
        [{**SINGLE, "fromCookies": ["t", "s"]}],
        [
            R("quoted", cookie(f's="{V}"')),
            R("valid, expired", cookie(f"s={V}; s={X}")),
            R("expired, valid", cookie(f"s={X}; s={V}")),
            R("two fields", cookie(f"s={V}", f"s={X}")),
            R("both names", cookie(f"s={V}; t={X}")),
            R("both names 2", cookie(f"s={X}; t={V}")),
            R("case", cookie(f"S={X}")),
            R("no space", cookie(f"a=1;s={X};b=2")),
            R("tab", cookie(f"a=1;\ts={X}")),
            R("space before =", cookie(f"s ={X}")),
            R("empty", cookie("s=")),
            R("no =", cookie("s")),
            R("space behind", cookie(f"s={V} ; q=1")),
            R("half quoted", cookie(f's="{V}')),
            R("semicolons", cookie(f";;s={X}")),
            R("two =", cookie("s==a.b.c")),
            R("one quote", cookie('s="')),
            R("s garbage, t expired", cookie(f"s=g; t={X}")),
            R("s expired, t garbage", cookie(f"s={X}; t=g")),
        ],
    )
    encoded = name_of(VT.replace(".", "%2E"))
    case(
        "params",
        [SINGLE],
        [
            R("name encoded", path="/p?access%5Ftoken=" + V),
            R("value encoded", path="/p?access_token=" + encoded),
            R("plus", path="/p?access_token=+" + V),
            R("no =", path="/p?access_token"),
            R("empty name", path="/p?=1&access_token=" + V),
            R("two ?", path="/p?a=1?access_token=" + V),
            R("others stay", path=f"/p?x=1&access_token={V}&b=1&a=2"),
            R("semicolon", path="/p?a=1;access_token=" + X),
            R("bad escape", path="/p?access_token=%zz" + V),
            R("expired, valid", path=f"/p?access_token={X}&access_token={V}"),
            R("second encoded", path=f"/p?access_token={V}&access%5Ftoken={X}"),
            R("& behind", path=f"/p?access_token={V}&"),
        ],
    )
    case(
        "two params",
        [{**SINGLE, "fromParams": ["b", "a"]}],
        [R("a expired, b garbage", path=f"/p?a={X}&b=g"), R("a garbage, b expired", path=f"/p?a=g&b={X}")],
    )
    case("realm", [SINGLE], [R("long", bearer("x"), path="/" + "a" * 300), R("quote", bearer("x"), path="/a%22b?c=d")])
    case(
        "preflight",
        [SINGLE],
        [
            R("empty origin", bearer(X) + [["origin", ""], CORS[1]], method="OPTIONS"),
            R("GET", bearer(X) + CORS),
            R("no method", bearer(X) + CORS[:1], method="OPTIONS"),
            R("empty method", bearer(X) + [CORS[0], ["access-control-request-method", ""]], method="OPTIONS"),
            R("yes", bearer(X) + CORS, method="OPTIONS"),
        ],
    )


def parsing():
    raw = lambda payload, header=None: name_of(token_text(header or {"alg": "ES256"}, payload, KA))
    iss = '"iss":"%s"' % A
    payloads = {
        "single quotes": "{'iss':'%s'}" % A,
        "trailing comma": "{%s,}" % iss,
        "name without quotes": '{iss:"%s"}' % A,
        "null": "null",
        "empty": "",
        "spaces": " {%s}\n" % iss,
        "two": "{%s}{}" % iss,
        "byte order mark": "\ufeff{%s}" % iss,
        "NUL behind": "{%s}\0" % iss,
        "control character": '{%s,"a":"\x01"}' % iss,
        "same name escaped": '{%s,"i\\u0073s":"x"}' % iss,
        "nested same name": '{%s,"a":{"b":1,"b":2}}' % iss,
        "empty name": '{%s,"":1}' % iss,
        "NaN": '{%s,"a":NaN}' % iss,
        "1e400": '{%s,"a":1e400}' % iss,
        "01": '{%s,"a":01}' % iss,
        "+1": '{%s,"a":+1}' % iss,
        ".5": '{%s,"a":.5}' % iss,
        "5.": '{%s,"a":5.}' % iss,
        "-0": '{%s,"a":-0}' % iss,
        "comment": "{%s/*x*/}" % iss,
        "surrogate pair": '{%s,"a":"\\ud83d\\ude00"}' % iss,
        "lone surrogate": '{%s,"a":"\\ud800"}' % iss,
        "string": '"x"',
        "number": "5",
        "array": "[1]",
        "slash": '{%s,"a":"\\/"}' % iss,
        "bad escape": '{%s,"a":"\\x"}' % iss,
        "not UTF-8": b'{"iss":"%s","a":"\xff"}' % A.encode(),
        "depth 99": '{%s,"a":%s}' % (iss, "[" * 99 + "]" * 99),
        "depth 100": '{%s,"a":%s}' % (iss, "[" * 100 + "]" * 100),
        "objects 99": '{%s,"a":%s}' % (iss, '{"b":' * 99 + "1" + "}" * 99),
    }
    case("payload", [SINGLE], [R(name, bearer(raw(payload))) for name, payload in payloads.items()])
    headers = {
        "no alg": "{}",
        "alg 5": '{"alg":5}',
        "alg null": '{"alg":null}',
        "kid null": '{"alg":"ES256","kid":null}',
        "kid empty": '{"alg":"ES256","kid":""}',
        "same name": '{"alg":"ES256","alg":"ES256"}',
        "array": "[]",
        "Ed25519": '{"alg":"Ed25519"}',
        "ES256K": '{"alg":"ES256K"}',
        "alg before kid": '{"alg":"x","kid":5}',
    }
    case("header json", [SINGLE], [R(name, bearer(raw(claims(), header))) for name, header in headers.items()])
    forms = {
        "header !": f"!a.{P}.{G}",
        "payload !": f"{H}.!!.{G}",
        "standard alphabet": f"{H}.+/+/.{G}",
        "signature of 1": f"{H}.{P}.A",
        "signature =": f"{H}.{P}.=",
        "one = of two": f"{H}.{P}.{G}=",
        "two =": f"{H}.{P}.{G}==",
        "three =": f"{H}.{P}.{G}===",
        "= inside": f"{H}.{P}.{G[:50]}=={G[50:]}",
        "space inside": f"{H}.{P}.{G[:50]} \t{G[50:]}",
        "stray bits": f"{H}.{P}.{G[:-1]}{chr(ord(G[-1]) + 1)}",
        "space in header": f"{H[:5]} {H[5:]}.{P}.{G}",
        "four parts": VT + ".AAAA",
        "not ASCII": f"{H}.{P}.{G}\xe9",
        "dots": f"..{H}...{P}.{G}.",
        "garbage": "abc",
        "not.a.jwt": "not.a.jwt",
    }
    case("form", [SINGLE], [R(name, bearer(form)) for name, form in forms.items()])
    values = {
        "null": None,
        "false": False,
        "object": {},
        "list": [],
        "-1": -1,
        "-0.5": -0.5,
        "5.7": 5.7,
        "2^64": 2**64,
        "2^64 - 2048": 2**64 - 2048,
        "u64::MAX": 2**64 - 1,
        "text": "5",
        "empty": "",
    }
    for claim in ("iss", "sub", "jti", "aud", "iat", "nbf", "exp"):
        case("claim " + claim, [SINGLE], [R(name, bearer(T(**{claim: value}))) for name, value in values.items()])
    case(
        "order",
        [SINGLE],
        [
            R("all wrong", bearer(T(exp="x", nbf="y", iat="z", jti=4, aud=5, sub=6))),
            R("jti, aud", bearer(T(jti=4, aud=5))),
            R("exp, nbf", bearer(T(exp="x", nbf="y"))),
            R("aud, signature", bearer(".".join(token(aud=5).split(".")[:2]) + ".!")),
            R("early and late", bearer(T(nbf=NOW + 900, exp=NOW - 900))),
            R("expired, key", bearer(T(key=KX, exp=NOW - 900))),
        ],
    )
    case(
        "time",
        [SINGLE],
        [
            R(f"{claim} {shift:+}", bearer(T(**{claim: NOW + shift})))
            for claim, shift in (("exp", -20), ("exp", -300), ("nbf", 45), ("nbf", 300), ("iat", 86400))
        ]
        + [R("exp 0", bearer(T(exp=0))), R("no exp", bearer(T(drop=["exp"])))],
    )
    for ours in ("api.example.com/", "/", "http://", "api://payments", "https://api.example.com//", "HTTPS://api.example.com"):
        theirs = (
            "api.example.com",
            "https://api.example.com/",
            "http://https://api.example.com",
            "",
            "/",
            "http://",
            "https:///",
            "api://payments/",
            "payments",
            "https://api.example.com//",
            "HTTPS://api.example.com",
        )
        case("audience " + ours, [{**SINGLE, "audiences": [ours]}], [R(repr(aud), bearer(T(aud=aud))) for aud in theirs])


def keys():
    r1, weak, three, e3, e5, ed, o32, o5 = (
        Rsa("k1"),
        Rsa("k1", 1024),
        Rsa("k1", e=3),
        Ec("k1", "P-384"),
        Ec("k1", "P-521"),
        Ed("k1"),
        Oct("k1", b"k" * 32),
        Oct("k1", b"short"),
    )

    def t(key, alg, signs=None, kid="k1"):
        return bearer(name_of(token_text({"alg": alg, **({"kid": kid} if kid else {})}, claims(), key, signs or alg)))

    def key(name, jwk, *requests):
        case("key " + name, [{"issuer": A, "jwks": jwks(*(jwk if isinstance(jwk, list) else [jwk]))}], [R(*r) for r in requests])

    without = lambda jwk, *names: {n: v for n, v in jwk.items() if n not in names}
    algs = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384", "HS512", "EdDSA")
    n = r1.key.public_key().public_numbers().n.to_bytes(256, "big")
    key("RSA", r1.jwk(), *[(a, t(r1, a)) for a in algs[:6]], *[(a + " by RS256", t(r1, a, "RS256")) for a in ("ES256", "HS256", "EdDSA")])
    key("RSA for PS256", r1.jwk(alg="PS256"), ("RS256", t(r1, "RS256")), ("PS256", t(r1, "PS256")))
    key("RSA for RS999", r1.jwk(alg="RS999"), ("RS256", t(r1, "RS256")))
    key("RSA for RSA-OAEP", r1.jwk(alg="RSA-OAEP"), ("RS256", t(r1, "RS256")))
    key("RSA for ES256", r1.jwk(alg="ES256"), ("RS256", t(r1, "RS256")))
    key("alg 5", r1.jwk(alg=5), ("RS256", t(r1, "RS256")))
    key("kid 5", r1.jwk(kid=5), ("named", t(r1, "RS256")), ("other", t(r1, "RS256", kid="zz")))
    key("kid empty", r1.jwk(kid=""), ("other", t(r1, "RS256", kid="zz")))
    key("RSA 1024", weak.jwk(), ("RS256", t(weak, "RS256")))
    key("RSA e=3", three.jwk(), ("RS256", t(three, "RS256")))
    key("private", r1.jwk(d="AAAA"), ("RS256", t(r1, "RS256")))
    key("n padded", r1.jwk(n=b64(n) + "=="), ("RS256", t(r1, "RS256")))
    key("n with zero", r1.jwk(n=b64(b"\0" + n)), ("RS256", t(r1, "RS256")))
    key("n in the standard alphabet", r1.jwk(n=base64.b64encode(n).decode()), ("RS256", t(r1, "RS256")))
    key("encryption", r1.jwk(use="enc", key_ops=["encrypt"]), ("RS256", t(r1, "RS256")))
    key(
        "EC",
        KA.jwk(),
        ("ES256", t(KA, "ES256")),
        ("ES384", t(KA, "ES384")),
        *[(a + " by ES256", t(KA, a, "ES256")) for a in ("RS256", "HS256", "EdDSA")],
    )
    key("EC without crv", without(KA.jwk(), "crv"), ("ES256", t(KA, "ES256")))
    key("EC without crv for ES384", without(e3.jwk(alg="ES384"), "crv"), ("ES384", t(e3, "ES384")))
    key("P-384", e3.jwk(), *[(a, t(e3, a)) for a in algs[6:9]])
    key("P-521", e5.jwk(), *[(a, t(e5, a)) for a in algs[6:9]])
    key("P-256 for ES384", KA.jwk(alg="ES384"), ("ES384", t(KA, "ES384")))
    key("secp256k1", KA.jwk(crv="secp256k1"), ("ES256", t(KA, "ES256")))
    key("x with zero", KA.jwk(x=b64(b"\0" + KA.key.public_key().public_numbers().x.to_bytes(32, "big"))), ("ES256", t(KA, "ES256")))
    wide = lambda m: (lambda s: b"\0" + s[:32] + b"\0" + s[32:])(KA.sign(m, "ES256"))
    key(
        "EC signatures",
        KA.jwk(),
        ("DER", t(Raw(lambda m: KA.key.sign(m, ec.ECDSA(hashes.SHA256()))), "ES256")),
        ("wide", t(Raw(wide), "ES256")),
        ("cut", t(Raw(lambda m: KA.sign(m, "ES256")[:-1]), "ES256")),
    )
    key("oct", o32.jwk(), ("HS256", t(o32, "HS256")), ("HS512", t(o32, "HS512")), ("RS256 by HS256", t(o32, "RS256", "HS256")))
    key("oct short", o5.jwk(alg="HS256"), ("HS256", t(o5, "HS256")))
    key("oct for RS256", o32.jwk(alg="RS256"), ("HS256", t(o32, "HS256")))
    key("oct and RSA", [o32.jwk(alg="HS256", kid="h"), r1.jwk()], ("HS256", t(o32, "HS256", kid="h")), ("RS256", t(r1, "RS256")))
    key("Ed25519", ed.jwk(), ("EdDSA", t(ed, "EdDSA")), ("RS256 by EdDSA", t(ed, "RS256")), ("63 bytes", t(Raw(lambda m: b"x" * 63), "EdDSA")))
    key("Ed25519 for Ed25519", ed.jwk(alg="Ed25519"), ("EdDSA", t(ed, "EdDSA")))
    key("X25519", ed.jwk(crv="X25519"), ("EdDSA", t(ed, "EdDSA")))
    key(
        "Ed25519, RSA", [without(ed.jwk(), "kid"), without(r1.jwk(), "kid")], ("RS256", t(r1, "RS256", kid=None)), ("EdDSA", t(ed, "EdDSA", kid=None))
    )
    key(
        "RSA, Ed25519", [without(r1.jwk(), "kid"), without(ed.jwk(), "kid")], ("RS256", t(r1, "RS256", kid=None)), ("EdDSA", t(ed, "EdDSA", kid=None))
    )
    key("two of one kid", [KA.jwk(), KX.jwk()], ("first", t(KA, "ES256")), ("second", t(KX, "ES256")))
    key(
        "one without kid",
        [without(KA.jwk(), "kid"), KB.jwk()],
        ("its own", t(KA, "ES256")),
        ("under the other's kid", t(KA, "ES256", kid="k2")),
        ("the other", t(KB, "ES256", kid="k2")),
        ("the other under no kid of the set", t(KB, "ES256", kid="k9")),
    )
    key("no kty", without(KA.jwk(), "kty"), ("ES256", t(KA, "ES256")))
    key("one not an object", [5, KA.jwk()], ("ES256", t(KA, "ES256")))
    key("one invalid", [r1.jwk(n="!!"), KA.jwk()], ("ES256", t(KA, "ES256")))
    for name, document in {
        "not JSON": "nope",
        "without keys": '{"a":1}',
        "keys an object": '{"keys":{}}',
        "keys twice": '{"keys":[],"keys":[]}',
        "no keys": '{"keys":[]}',
        "only unknown": '{"keys":[{"kty":"foo"}]}',
    }.items():
        case("key set " + name, [{"issuer": A, "jwks": jwks(document)}], [R("token", bearer(V))])
    down = {"issuer": A, "jwksUri": "http://down.example/"}
    case("keys not fetched", [down], [R("token", bearer(V)), R("none"), R("expired", bearer(X)), R("unknown issuer", bearer(VB))])
    case("keys of one not fetched", [down, OTHER], [R("A", bearer(V)), R("B", bearer(VB)), R("none"), R("unknown issuer", bearer(UNKNOWN))])


def several():
    to = lambda tag, *names: {"outputClaimToHeaders": [{"header": f"x-{tag}-{name}", "claim": name} for name in names]}
    a, b = T(sub="a"), T(iss=B, sub="b")
    param = "/p?access_token="
    pairs = [
        R("A, B", bearer(a), param + b),
        R("B, A", bearer(b), param + a),
        R("A expired, B", bearer(X), param + b),
        R("A, B expired", bearer(a), param + XB),
        R("B, A expired", bearer(b), param + X),
        R("garbage, B", bearer("g"), param + b),
        R("A, garbage", bearer(a), param + "g"),
        R("unknown, A", bearer(UNKNOWN), param + a),
        R("A, unknown", bearer(a), param + UNKNOWN),
        R("A", bearer(a)),
        R("B", bearer(b)),
        R("none"),
    ]
    case("two rules, same places", [{**SINGLE, **to("a", "sub")}, {**OTHER, **to("b", "sub")}], pairs)
    case(
        "two rules, forwarding",
        [{**SINGLE, "forwardOriginalToken": True, **to("a", "sub")}, {**OTHER, "forwardOriginalToken": True, **to("b", "sub")}],
        pairs[:4],
    )
    case(
        "one rule, two tokens",
        [{**SINGLE, **to("a", "sub", "x"), "outputPayloadToHeader": "x-p"}],
        [R("both", bearer(T(sub="1", x="h")), param + T(sub="2", y="p"))],
    )
    spoofed = [["x-a", "evil"], ["x-b", "evil"]]
    set_both = [
        {**SINGLE, "outputClaimToHeaders": [{"header": "x-a", "claim": "sub"}]},
        {**OTHER, "outputClaimToHeaders": [{"header": "x-b", "claim": "sub"}, {"header": "x-a", "claim": "sub"}]},
    ]
    case(
        "spoofed",
        set_both,
        [
            R("A", bearer(V) + spoofed),
            R("B", bearer(VB) + spoofed),
            R("none", spoofed),
            R("preflight", spoofed + CORS, method="OPTIONS"),
            R("look-alike", [["x_a", "evil"]] + bearer(V)),
        ],
    )
    case(
        "one issuer twice",
        [SINGLE, {"issuer": A, "jwks": JB, "audiences": ["foo"]}],
        [
            R("first", bearer(V)),
            R("second", bearer(T(key=KB, aud="foo"))),
            R("second, audience", bearer(T(key=KB, aud="bar"))),
            R("expired", bearer(X)),
        ],
    )
    case(
        "every issuer and A",
        [{"issuer": "", "jwks": JB}, SINGLE],
        [R("A", bearer(V)), R("C", bearer(T(key=KB, iss="c"))), R("C by A", bearer(T(key=KA, iss="c"))), R("A by B", bearer(T(key=KB, iss=A)))],
    )
    case(
        "a claim where a token stands",
        [{**SINGLE, "outputClaimToHeaders": [{"header": "x-t", "claim": "inner"}]}, {**OTHER, "fromHeaders": [{"name": "x-t"}]}],
        [R("B inside", bearer(T(inner=VBT))), R("expired", bearer(X)), R("by the client", [["x-t", VB]])],
    )
    case("payload into Authorization", [{**SINGLE, "outputPayloadToHeader": "authorization"}], [R("header", bearer(V)), R("param", path=param + V)])
    claims_of_all_kinds = {
        "s": "v",
        "i": 42,
        "big": 2**53 + 1,
        "f": 1.5,
        "neg": -3,
        "t": True,
        "no": False,
        "l": ["a", 1, None],
        "o": {"k": "v"},
        "e": "",
        "n": None,
        "d": {"a": {"b": "deep"}},
        "x.y": "dot",
        "utf": "é",
        "c": "a\tb, c",
        "h": 1e20,
        "u": 2**63,
    }
    case(
        "claims to headers",
        [
            {
                **SINGLE,
                "outputPayloadToHeader": "x-payload",
                **to("c", "s", "i", "big", "f", "neg", "t", "no", "l", "o", "e", "n", "utf", "c", "h", "u", "missing"),
            }
        ],
        [R("all", bearer(T(**claims_of_all_kinds))), R("none", [["x-c-s", "evil"]])],
        nopayload=True,
    )
    case(
        "nested claims",
        [
            {
                **SINGLE,
                "outputClaimToHeaders": [{"header": f"x-{i}", "claim": c} for i, c in enumerate(("d.a.b", "d.a", "d.z", "s.x", "x.y", "d.", ".d"))],
            }
        ],
        [R("all", bearer(T(**claims_of_all_kinds)))],
        nopayload=True,
    )
    case("control character", [{**SINGLE, **to("c", "s")}], [R("newline", bearer(T(s="a\nb")))], nopayload=True)
    case(
        "words",
        [{**SINGLE, "spaceDelimitedClaims": ["groups", "n.x", "azp"]}],
        [
            R(
                "all",
                bearer(
                    T(scope="a b  c", permission=" x ", groups="g1 g2", scp="no split", n={"x": "a b", "scope": "q r"}, azp="cl", **{"n.x": "d e"})
                ),
            ),
            R("not words", bearer(T(scope="a\tb", permission="", groups=" "))),
            R("other types", bearer(T(scope=["a b", "c"], permission=5, aud=["x", "y"], azp=7))),
        ],
    )


def at_random(configs=40, requests=12):
    """Rules and requests drawn at random: what rules do to each other is hard to think of."""
    tokens = {
        "A": T(sub="a", aud="foo"),
        "A2": T(sub="a2"),
        "Aexp": X,
        "Abad": T(key=KX),
        "B": T(iss=B, sub="b", aud=["foo"]),
        "Bexp": XB,
        "C": UNKNOWN,
        "g": "x.y.z",
        "none": T(key=KA, drop=["iss"]),
    }
    for number in range(configs):
        rules = []
        for tag in range(RANDOM.choice((1, 2, 2, 3))):
            issuer = RANDOM.choice((A, A, B, B, ""))
            rule = {"issuer": issuer, "jwks": {A: JA, B: JB, "": JAB}[issuer]}
            if RANDOM.random() < 0.6:
                spots = RANDOM.sample((("authorization", "Bearer "), ("x-t", ""), ("x-t", "Bearer "), ("x-u", "")), RANDOM.randint(0, 2))
                rule["fromHeaders"] = [{"name": name, "prefix": prefix} for name, prefix in spots]
                rule["fromParams"] = RANDOM.sample(("tok", "access_token"), RANDOM.randint(0, 1))
                rule["fromCookies"] = RANDOM.sample(("c",), RANDOM.randint(0, 1))
            if RANDOM.random() < 0.3:
                rule["forwardOriginalToken"] = True
            if RANDOM.random() < 0.2:
                rule["audiences"] = ["foo"]
            if RANDOM.random() < 0.2:
                rule["outputPayloadToHeader"] = f"x-payload-{RANDOM.randint(0, 1)}"
            if RANDOM.random() < 0.4:
                rule["outputClaimToHeaders"] = [{"header": RANDOM.choice((f"x-sub-{tag}", "x-sub", "x-u")), "claim": "sub"}]
            rules.append({name: value for name, value in rule.items() if value != [] or name == "issuer"})
        asked = []
        for _ in range(requests):
            headers, pick = [], lambda: tokens[RANDOM.choice(tuple(tokens))]
            if RANDOM.random() < 0.5:
                headers += bearer(pick())
            for _ in range(RANDOM.choice((0, 0, 1, 1, 2))):
                headers.append(["x-t", RANDOM.choice(("", "Bearer ")) + pick()])
            if RANDOM.random() < 0.3:
                headers.append(["x-u", pick()])
            if RANDOM.random() < 0.3:
                headers.append(["cookie", "c=" + pick()])
            if RANDOM.random() < 0.2:
                headers.append([RANDOM.choice(("x-sub", "x-payload-0")), "evil"])
            query = [f"{name}={pick()}" for name in ("tok", "access_token") if RANDOM.random() < 0.3]
            asked.append(R("", headers, "/p" + ("?" + "&".join(query) if query else "")))
        case(f"random {number}", rules, asked)


def all_cases():
    locations()
    parsing()
    keys()
    several()
    at_random()
    return CASES
