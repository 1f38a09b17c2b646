// A token service whose tokens are bound (RFC 8693 with RFC 9449), and a server that takes nothing else, loopback only.
// All proofs and tokens are checked with npm jose. Both ask for a nonce.
//
//   BOUND_PORT     port on 127.0.0.1 (required)
//   BOUND_TO       origin that requests to the server go on to (required)
//   BOUND_ISSUER   whose tokens are exchanged; its keys are at ISSUER/jwks (required)
//   BOUND_AUDIENCE for whom the issued tokens are (required)
//   BOUND_LIFETIME how many seconds issued tokens last (otherwise as long as the token that they are issued for)
//
// `GET /__seen` lists what came to the server: {http, status, why, headers, authorizations, opened, closed}, the last
// two as in guard.mjs; `exchanges` counts at /__count.
import { createServer, request } from 'node:http';
import {
  EmbeddedJWK, SignJWT, calculateJwkThumbprint, createRemoteJWKSet, decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify,
} from 'jose';
import { createHash, randomUUID } from 'node:crypto';

const port = Number(process.env.BOUND_PORT);
const me = `http://127.0.0.1:${port}`;
const to = new URL(process.env.BOUND_TO);
const { BOUND_ISSUER: issuer, BOUND_AUDIENCE: audience } = process.env;
const lifetime = Number(process.env.BOUND_LIFETIME ?? Infinity);
const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
const kid = await calculateJwkThumbprint(await exportJWK(publicKey));
const nonces = { token: randomUUID(), server: randomUUID() };
const used = new Set();
const seen = [];
let exchanges = 0;

class NonceWanted extends Error {}

/** The thumbprint of the key of a good proof. */
async function proven(req, path, nonce, token) {
  const proofs = req.rawHeaders.filter((_, i, all) => i % 2 === 1 && all[i - 1].toLowerCase() === 'dpop');
  if (proofs.length !== 1) throw new Error(`${proofs.length} proofs`);
  const { payload } = await jwtVerify(proofs[0], EmbeddedJWK, { typ: 'dpop+jwt', algorithms: ['ES256'], maxTokenAge: 60 });
  if (payload.htm !== req.method || payload.htu !== `${me}${path}`) throw new Error(`for ${payload.htm} ${payload.htu}`);
  if (token && payload.ath !== createHash('sha256').update(token).digest('base64url')) throw new Error('for another token');
  if (payload.nonce !== nonce) throw new NonceWanted('nonce');
  if (used.has(payload.jti)) throw new Error('used before');
  used.add(payload.jti);
  return calculateJwkThumbprint(decodeProtectedHeader(proofs[0]).jwk);
}

const say = (res, status, body, headers = {}) =>
  res.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));

async function exchange(req, res) {
  let text = '';
  for await (const chunk of req) text += chunk;
  const form = new URLSearchParams(text);
  let jkt;
  try {
    jkt = await proven(req, '/token', nonces.token);
  } catch (error) {
    const code = error instanceof NonceWanted ? 'use_dpop_nonce' : 'invalid_dpop_proof';
    return say(res, 400, { error: code, error_description: error.message }, { 'DPoP-Nonce': nonces.token });
  }
  const { payload } = await jwtVerify(form.get('subject_token'), keys, { issuer });
  exchanges += 1;
  const now = Math.floor(Date.now() / 1000);
  const scope = form.get('scope') ?? '';
  const token = await new SignJWT({ scope, cnf: { jkt } })
    .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt' }).setIssuer(me).setSubject(payload.sub).setAudience(audience)
    .setJti(randomUUID()).setIssuedAt(now).setExpirationTime(Math.min(payload.exp, now + lifetime)).sign(privateKey);
  return say(res, 200, {
    access_token: token, token_type: 'DPoP', scope, issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  });
}

createServer(async (req, res) => {
  const { pathname } = new URL(req.url, me);
  if (pathname === '/__seen') return say(res, 200, seen);
  if (pathname === '/__count') return say(res, 200, exchanges);
  if (pathname === '/token') return exchange(req, res).catch((error) => say(res, 400, { error: 'invalid_request', error_description: error.message }));
  const authorizations = req.rawHeaders.filter((_, i, all) => i % 2 === 1 && all[i - 1].toLowerCase() === 'authorization');
  const entry = { http: req.method, headers: req.headers, authorizations };
  seen.push(entry);
  res.on('close', () => { entry.closed = res.writableFinished ? 'whole' : 'cut'; });
  try {
    const token = /^DPoP (\S+)$/.exec(authorizations.length === 1 ? authorizations[0] : '')?.[1] ?? '';
    const { payload } = await jwtVerify(token, publicKey, { issuer: me, audience });
    if (payload.cnf.jkt !== await proven(req, pathname, nonces.server, token)) throw new Error('another key');
  } catch (error) {
    Object.assign(entry, { status: 401, why: error.message });
    const wanted = error instanceof NonceWanted ? 'use_dpop_nonce' : 'invalid_token';
    return res.writeHead(401, { 'WWW-Authenticate': `DPoP error="${wanted}"`, 'DPoP-Nonce': nonces.server }).end();
  }
  const headers = req.rawHeaders.filter((_, i, all) => !['authorization', 'dpop'].includes(all[i - (i % 2)].toLowerCase()));
  const out = request({ hostname: to.hostname, port: to.port, method: req.method, path: req.url, agent: false, headers });
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
}).listen(port, '127.0.0.1', () => console.log(`ready ${me}`));
