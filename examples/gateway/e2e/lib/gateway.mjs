import { readFileSync } from 'node:fs';

/** An example of `configs` with the addresses of this run: each of `changes` is [what stands there, what instead]. */
export function exampleConfig(name, changes) {
  const text = readFileSync(new URL(`../../configs/${name}`, import.meta.url), 'utf8');
  return changes.reduce((now, [from, to]) => {
    if (!now.includes(from)) throw new Error(`${name} has no ${JSON.stringify(from)}`);
    return now.replaceAll(from, to);
  }, text);
}

/** The configuration of a gateway before one MCP server; without `rule` it is for one user, who may do everything. */
export const gatewayConfig = ({ as, resource, upstream, rule = 'jwt.sub == "conformance"', scopes }) => (port) => `\
binds:
- port: ${port}
  listeners:
  - routes:
    - matches:
      - path:
          exact: /mcp
      - path:
          exact: /.well-known/oauth-protected-resource/mcp
      policies:
        mcpAuthentication:
          mode: strict
          issuer: ${as}
          audiences: [${resource}]
          jwks:
            url: ${as}/jwks
          resourceMetadata:
            resource: ${resource}${scopes ? `\n            scopesSupported: [${scopes.join(', ')}]` : ''}
        mcpAuthorization:
          rules:
          - '${rule}'
      backends:
      - mcp:
          targets:
          - name: upstream
            mcp:
              host: ${upstream}
`;
