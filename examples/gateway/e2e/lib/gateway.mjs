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

/**
 * A gateway that is the authorization server of its clients: `as` is the provider behind it. What it seals survives with
 * `keyFile`; `outbound` and `state` are lines of YAML, `server` those of `authorizationServer`.
 */
export const facadeConfig = ({
  as, upstream, keyFile, resource, issuer, audience, rule = 'true', scopes = ['mcp:read'], provider = 'openIdConnect', client = [], server = [],
  state = [], outbound = [],
}) => (port) => `\
${outbound.length > 0 ? `outbound:\n${indented(outbound, 2)}` : ''}\
state:
  keyFile: ${keyFile}
${indented(state, 2)}\
binds:
- port: ${port}
  listeners:
  - routes:
    - matches:
      - path:
          exact: /mcp
      policies:
        cors:
          allowOrigins: ['*']
          allowHeaders: [mcp-protocol-version, mcp-method, mcp-name, content-type, authorization]
          exposeHeaders: [Mcp-Session-Id, WWW-Authenticate]
        mcpAuthentication:
          issuer: ${as}
          audiences: [${audience ?? resource ?? `http://127.0.0.1:${port}/mcp`}]
          provider: ${provider}
${indented(client, 10)}\
          jwks:
            url: ${as}/jwks
          resourceMetadata:
            resource: ${resource ?? `http://127.0.0.1:${port}/mcp`}
            scopesSupported: [${scopes.join(', ')}]
          authorizationServer:
            issuer: ${issuer ?? `http://127.0.0.1:${port}`}
${indented(server, 12)}\
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

const indented = (lines, by) => lines.map((line) => `${' '.repeat(by)}${line}\n`).join('');
