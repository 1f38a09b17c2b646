"""Judges tokens with PyPI `joserfc`: judge_joserfc.py DIRECTORY writes DIRECTORY/joserfc.txt, a line per token."""

import json
import sys
import warnings

from joserfc import jwt
from joserfc.jwk import KeySet

warnings.filterwarnings("ignore")
directory = sys.argv[1]
with open(f"{directory}/setup.json", encoding="utf-8") as file:
    setup = json.load(file)
keys = KeySet.import_key_set(setup["jwks"])
algorithms = setup["algorithms"]
registry = jwt.JWTClaimsRegistry(
    now=setup["now"],
    leeway=setup["leeway"],
    iss={"essential": True, "value": setup["issuer"]},
    aud={"essential": True, "value": setup["audience"]},
    exp={"essential": True},
)


def judge(token):
    try:
        registry.validate(jwt.decode(token, keys, algorithms=algorithms).claims)
        return "ok"
    except RecursionError:
        return "RecursionError"
    except Exception as error:  # whatever it is, the token is refused
        return type(error).__name__


with open(f"{directory}/tokens.txt", encoding="utf-8", newline="\n") as tokens, open(
    f"{directory}/joserfc.txt", "w", encoding="utf-8"
) as out:
    count = 0
    for line in tokens:
        out.write(judge(line.rstrip("\n")) + "\n")
        count += 1
print(f"ready {count}")
