// Passes every request on as it came, Host and Origin included, loopback only: with a bearer token, for clients that send
// no Authorization header, such as the server mode of the conformance suite; to several replicas by turns; over a restart,
// as the load balancer of a deployment would.
//
//   FORWARD_PORT   port on 127.0.0.1 (required)
//   FORWARD_TO     origins that requests go to, http://127.0.0.1:PORT, with commas between them (required)
//   FORWARD_TOKEN  the token
import { createServer, request } from 'node:http';

const port = Number(process.env.FORWARD_PORT);
const origins = process.env.FORWARD_TO.split(',').map((origin) => new URL(origin));
const authorization = process.env.FORWARD_TOKEN ? ['Authorization', `Bearer ${process.env.FORWARD_TOKEN}`] : [];
const PATIENCE = 20_000; // milliseconds, where nobody listens
let turn = 0;

createServer(async (req, res) => {
  const chunks = [];
  req.on('error', () => {});
  for await (const chunk of req) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const begun = performance.now();
  const pass = () => {
    const { hostname, port: to } = origins[turn++ % origins.length];
    const out = request({
      hostname, port: to, method: req.method, path: req.url, agent: false, headers: [...req.rawHeaders, ...authorization],
    });
    out.on('response', (answer) => {
      console.log(req.method, req.url, answer.statusCode);
      res.writeHead(answer.statusCode, answer.rawHeaders);
      res.flushHeaders();
      answer.pipe(res);
      answer.on('error', () => res.destroy());
    });
    out.on('error', (error) => {
      if (error.code === 'ECONNREFUSED' && !res.destroyed && performance.now() - begun < PATIENCE) return setTimeout(pass, 50);
      console.error(req.method, req.url, error.message);
      if (res.headersSent) return res.destroy();
      res.writeHead(502).end();
    });
    res.on('close', () => out.destroy());
    out.end(body);
  };
  pass();
}).listen(port, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${port}`));
