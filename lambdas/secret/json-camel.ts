/** `{ certificate, privateKey, certificateChain? }`, and what has a `certificate` only, with its key in KMS or none. */
import { readJson } from './json-shape.ts';
import { hasSnakeFields } from './json-snake.ts';
import type { Shape } from './shape.ts';

const fields = { certificate: 'certificate', privateKey: 'privateKey', chains: ['certificateChain'] };

export const jsonCamel: Shape<'json-camel'> = {
  name: 'json-camel',
  expected: 'a JSON object with certificate, privateKey and perhaps certificateChain',
  recognise(document) {
    if (document.kind !== 'json' || !document.members.has(fields.certificate)) return undefined;
    const marked = document.members.has(fields.privateKey) || document.members.has('certificateChain');
    if (!marked && hasSnakeFields(document.members)) return undefined;
    return (context) => readJson(document.text, document.members, fields, context);
  },
};
