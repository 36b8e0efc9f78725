/** The shape `{ certificate, private_key, certificate_chain? | ca_chain?, issuing_ca? }` of Vault and of ACM's export. */
import type { JsonFields } from './json-key.ts';
import { readJson } from './json-shape.ts';
import type { Shape } from './shape.ts';

export const snakeFields = {
  certificate: 'certificate',
  privateKey: 'private_key',
  chains: ['certificate_chain', 'ca_chain'],
  issuer: 'issuing_ca',
} satisfies JsonFields;

/** Whether an object has a field that only this shape has. */
export function hasSnakeFields(members: { has(name: string): boolean }): boolean {
  return [snakeFields.privateKey, ...snakeFields.chains, snakeFields.issuer].some((name) => members.has(name));
}

export const jsonSnake: Shape<'json-snake'> = {
  name: 'json-snake',
  expected: 'a JSON object with certificate, private_key and optionally certificate_chain or ca_chain, and issuing_ca',
  recognise(document) {
    if (document.kind !== 'json' || !document.members.has(snakeFields.certificate)) return undefined;
    if (!hasSnakeFields(document.members)) return undefined;
    return (context) => readJson(document.text, document.members, snakeFields, context);
  },
};
