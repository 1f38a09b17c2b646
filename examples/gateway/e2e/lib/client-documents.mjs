// Client ID metadata documents over HTTPS, with a certificate of an authority made for the run.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { REDIRECT_URI } from './oauth.mjs';

/** {url(name), authority, asked, close}: `url` is a client_id, `authority` a PEM file, `asked` what was fetched. */
export async function clientDocuments(t) {
  const folder = `${t.logs}/client-documents`;
  mkdirSync(folder, { recursive: true });
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=mcp-auth e2e',
    '-addext', 'basicConstraints=critical,CA:TRUE');
  openssl('req', '-x509', ...key, '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '2', '-subj', '/CN=localhost',
    '-CA', 'ca.pem', '-CAkey', 'ca.key', '-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE');
  const port = await t.freePort();
  const url = (name) => `https://localhost:${port}/clients/${name.toLowerCase().replaceAll(/\W+/g, '-')}.json`;
  const asked = [];
  const server = createServer({ key: readFileSync(`${folder}/key.pem`), cert: readFileSync(`${folder}/cert.pem`) }, (req, res) => {
    asked.push(req.url);
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({
      client_id: `https://localhost:${port}${req.url}`,
      client_name: `e2e ${req.url.split('/').at(-1).replace('.json', '')}`,
      redirect_uris: [REDIRECT_URI, 'http://127.0.0.1/oauth/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }));
  });
  await new Promise((resolve, reject) => { server.on('error', reject).listen(port, '127.0.0.1', resolve); });
  server.unref();
  return { url, asked, authority: `${folder}/ca.pem` };
}
