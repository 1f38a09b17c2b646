import { createConnection } from 'node:net';

/** Sends commands one after the other and gives what came back, as text. */
export function resp(port, ...commands) {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1');
    let text = '';
    socket.on('error', reject);
    socket.on('data', (data) => { text += data; });
    socket.on('close', () => resolve(text));
    for (const command of [...commands, ['QUIT']]) {
      socket.write(`*${command.length}\r\n${command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`);
    }
  });
}
