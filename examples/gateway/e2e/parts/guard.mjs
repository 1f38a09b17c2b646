// A server with a validator of its own before an MCP server, loopback only: only tokens for GUARD_AUDIENCE that one
// of GUARD_ISSUERS signed pass, checked with npm jose; everything else is 401.
//
//   GUARD_PORT      port on 127.0.0.1 (required)
//   GUARD_TO        origin that requests go on to (required)
//   GUARD_ISSUERS   issuers, separated by commas (required)
//   GUARD_KEYS      path of their keys below the issuer (/jwks)
//   GUARD_AUDIENCE  what `aud` has to be (required)
//
// `GET /__seen` lists every request: {http, status, headers, authorizations, claims, opened, closed}; `opened` is the id of a
// session that the answer began, `closed` tells when the answer is over whether it was `whole`, or the asker went away
// (`cut`). `POST /__revoke?JTI` refuses that token from then on, `POST /__ban?SUB` every token of that user.
import { createServer, request } from 'node:http';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';

const port = Number(process.env.GUARD_PORT);
const { hostname, port: to } = new URL(process.env.GUARD_TO);
const audience = process.env.GUARD_AUDIENCE;
const path = process.env.GUARD_KEYS ?? '/jwks';
const keys = new Map(process.env.GUARD_ISSUERS.split(',').map((issuer) => [issuer, createRemoteJWKSet(new URL(`${issuer}${path}`))]));
const seen = [];
const revoked = new Set();
const banned = new Set();

async function claimsOf(authorizations) {
  if (authorizations.length !== 1) throw new Error(`${authorizations.length} Authorization headers`);
  const token = /^Bearer (\S+)$/.exec(authorizations[0])?.[1] ?? '';
  const { iss } = decodeJwt(token);
  if (!keys.has(iss)) throw new Error('unknown issuer');
  const { payload } = await jwtVerify(token, keys.get(iss), { issuer: iss, audience });
  if (revoked.has(payload.jti)) throw new Error('revoked');
  if (banned.has(payload.sub)) throw new Error('banned');
  return payload;
}

createServer(async (req, res) => {
  const url = new URL(req.url, 'http://guard');
  if (url.pathname === '/__seen') return res.setHeader('Content-Type', 'application/json').end(JSON.stringify(seen));
  if (url.pathname === '/__revoke') {
    revoked.add(url.search.slice(1));
    return res.end();
  }
  if (url.pathname === '/__ban') {
    banned.add(url.search.slice(1));
    return res.end();
  }
  const authorizations = req.rawHeaders.filter((_, i, all) => i % 2 === 1 && all[i - 1].toLowerCase() === 'authorization');
  const entry = { http: req.method, headers: req.headers, authorizations };
  seen.push(entry);
  res.on('close', () => { entry.closed = res.writableFinished ? 'whole' : 'cut'; });
  try {
    entry.claims = await claimsOf(authorizations);
  } catch (error) {
    entry.status = 401;
    entry.why = error.message;
    return res.writeHead(401, { 'WWW-Authenticate': 'Bearer resource_metadata="http://guard.invalid/metadata"' }).end();
  }
  const out = request({ hostname, port: to, method: req.method, path: req.url, agent: false, headers: req.rawHeaders });
  out.on('response', (answer) => {
    entry.status = answer.statusCode;
    entry.opened = answer.headers['mcp-session-id'];
    res.writeHead(answer.statusCode, answer.rawHeaders);
    res.flushHeaders();
    answer.pipe(res);
    answer.on('error', () => res.destroy());
  });
  out.on('error', () => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
  res.on('close', () => out.destroy());
  req.pipe(out);
}).listen(port, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${port}`));
