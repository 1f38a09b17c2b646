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
