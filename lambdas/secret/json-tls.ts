/** The shape `{ "tls.crt", "tls.key" }` of a Kubernetes TLS secret. Its `ca.crt` is trust, not chain, and is ignored. */
import type { JsonFields } from './json-key.ts';
import { readJson } from './json-shape.ts';
import type { Shape } from './shape.ts';

export const tlsFields: JsonFields = { certificate: 'tls.crt', privateKey: 'tls.key', chains: [] };

export const jsonTls: Shape<'json-tls'> = {
  name: 'json-tls',
  expected: 'a JSON object with tls.crt and tls.key',
  recognise(document) {
    if (document.kind !== 'json' || !document.members.has(tlsFields.certificate)) return undefined;
    return (context) => readJson(document.text, document.members, tlsFields, context);
  },
};
