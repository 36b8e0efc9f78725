/** `{ "tls.crt", "tls.key" }` as in a Kubernetes TLS secret; its `ca.crt` is trust, not chain, and is not looked at. */
import { readJson } from './json-shape.ts';
import type { Shape } from './shape.ts';

const fields = { certificate: 'tls.crt', privateKey: 'tls.key', chains: [] };

export const jsonTls: Shape<'json-tls'> = {
  name: 'json-tls',
  expected: 'a JSON object with tls.crt and tls.key',
  recognise(document) {
    if (document.kind !== 'json' || !document.members.has(fields.certificate)) return undefined;
    return (context) => readJson(document.text, document.members, fields, context);
  },
};
