// Stands before a token endpoint: counts the exchanges, and holds them back when it is told to. Loopback only.
//
//   GATE_PORT   port on 127.0.0.1 (required)
//   GATE_TO     origin of the token endpoint (required)
//
// `POST /PATH` goes to GATE_TO/PATH; `POST /any-scope/PATH` without the scopes that were asked for, as at a provider that
// does not look at them. `GET /__seen` lists the exchanges: {user, status, gone}; `gone` is an asker who did not wait for
// the answer. `POST /__hold` and `POST /__release` close and open the gate.
import { createServer } from 'node:http';
import { decodeJwt } from 'jose';

const port = Number(process.env.GATE_PORT);
const to = process.env.GATE_TO;
const seen = [];
let open = Promise.resolve();
let release = () => {};

createServer(async (req, res) => {
  if (req.url === '/__seen') return res.setHeader('content-type', 'application/json').end(JSON.stringify(seen));
  if (req.url === '/__hold') {
    open = new Promise((resolve) => { release = resolve; });
    return res.end();
  }
  if (req.url === '/__release') {
    release();
    return res.end();
  }
  let text = '';
  for await (const chunk of req) text += chunk;
  const form = new URLSearchParams(text);
  const [, any, path] = /^(\/any-scope)?(\/.*)$/.exec(req.url);
  if (any) form.delete('scope');
  const entry = { user: decodeJwt(form.get('subject_token')).sub };
  seen.push(entry);
  res.on('close', () => { entry.gone = !res.writableFinished; });
  await open;
  const { authorization } = req.headers;
  const answer = await fetch(`${to}${path}`, { method: 'POST', headers: { authorization }, body: form });
  entry.status = answer.status;
  res.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') }).end(await answer.text());
}).listen(port, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${port}`));
