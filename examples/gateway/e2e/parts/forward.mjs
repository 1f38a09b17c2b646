// Adds a bearer token to every request and passes it on as it came, Host and Origin included, loopback only.
// For clients that send no Authorization header, such as the server mode of the conformance suite.
//
//   FORWARD_PORT   port on 127.0.0.1 (required)
//   FORWARD_TO     origin that requests go to, http://127.0.0.1:PORT (required)
//   FORWARD_TOKEN  the token (required)
import { createServer, request } from 'node:http';

const port = Number(process.env.FORWARD_PORT);
const { hostname, port: to } = new URL(process.env.FORWARD_TO);
const authorization = ['Authorization', `Bearer ${process.env.FORWARD_TOKEN}`];

createServer((req, res) => {
  const out = request({
    hostname, port: to, method: req.method, path: req.url, agent: false,
    headers: [...req.rawHeaders, ...authorization],
  });
  out.on('response', (answer) => {
    console.log(req.method, req.url, answer.statusCode);
    res.writeHead(answer.statusCode, answer.rawHeaders);
    res.flushHeaders();
    answer.pipe(res);
    answer.on('error', () => res.destroy());
  });
  out.on('error', (error) => {
    console.error(req.method, req.url, error.message);
    if (res.headersSent) return res.destroy();
    res.writeHead(502).end();
  });
  res.on('close', () => out.destroy());
  req.pipe(out);
}).listen(port, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${port}`));
