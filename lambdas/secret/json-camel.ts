/** The shape `{ certificate, privateKey, certificateChain? }`. Also an object with `certificate` only, whose key is in KMS or at the CA. */
import type { JsonFields } from './json-key.ts';
import { readJson } from './json-shape.ts';
import { hasSnakeFields } from './json-snake.ts';
import type { Shape } from './shape.ts';

export const camelFields: JsonFields = {
  certificate: 'certificate',
  privateKey: 'privateKey',
  chains: ['certificateChain'],
};

export const jsonCamel: Shape<'json-camel'> = {
  name: 'json-camel',
  expected: 'a JSON object with certificate, privateKey and optionally certificateChain',
  recognise(document) {
    if (document.kind !== 'json' || !document.members.has(camelFields.certificate)) return undefined;
    const marked = document.members.has(camelFields.privateKey) || document.members.has('certificateChain');
    if (!marked && hasSnakeFields(document.members)) return undefined;
    return (context) => readJson(document.text, document.members, camelFields, context);
  },
};
