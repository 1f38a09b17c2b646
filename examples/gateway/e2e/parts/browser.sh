#!/bin/sh
# What a client opens as the user's browser: goes where the login leads, the client's own callback included.
exec "$BROWSER_NODE" "$(dirname "$0")/browser.mjs" "$1"
