// A slow CA. It passes TCP on, and delays what a client sends after its ClientHello for so many milliseconds. In TLS 1.3
// a client's certificate and its request travel together, so each request is delayed once, and no handshake twice.
//   node slow.mjs <port of the CA> <milliseconds>      Prints its port.
import { connect, createServer } from 'node:net';

process.stdin.on('end', () => process.exit()).resume(); // its starter is gone

const [caPort, milliseconds] = process.argv.slice(2).map(Number);
const handshake = 22; // RFC 8446 section 5.1: the type of a record with a ClientHello

createServer({ noDelay: true }, (client) => {
  const ca = connect({ port: caPort, host: '127.0.0.1', noDelay: true });
  client.on('data', (data) => {
    if (data[0] === handshake) ca.write(data);
    else setTimeout(() => ca.write(data), milliseconds);
  });
  ca.pipe(client);
  // If one side ends, both end. Earlier data still arrives.
  client.on('close', () => setTimeout(() => ca.end(), milliseconds + 1));
  for (const end of [client, ca]) end.on('error', () => end.destroy());
}).listen(0, '127.0.0.1', function listening() {
  process.stdout.write(`${this.address().port}\n`);
});
