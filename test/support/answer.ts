/** Checks answers and requests against the published schemas, as a user's program could. */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

function published(name: string): ValidateFunction {
  const file = new URL(`../../schemas/${name}.schema.json`, import.meta.url);
  return new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true }).compile(
    JSON.parse(readFileSync(file, 'utf8')),
  );
}

export const isRequest = published('renew-request');
const isAnswer = published('renew-answer');

/** Throws if the renew function's answer does not match schemas/renew-answer.schema.json. */
export function checkAnswer(answer: unknown): void {
  if (isAnswer(answer)) return;
  const found = isAnswer.errors?.map(({ instancePath, message }) => `${instancePath || '$'} ${message}`).join('; ');
  throw new Error(`the answer is not what its schema says: ${found}`);
}
