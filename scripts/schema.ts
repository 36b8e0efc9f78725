/** `npm run schema` writes the JSON Schemas of configuration, request and answer, and the TypeScript types of the configuration. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jsonSchema } from '../cdk/config/config-schema.ts';
import { answerJsonSchema, requestJsonSchema } from '../lambdas/policy/json-schema.ts';
import { optionsFile } from './schema/options.ts';

const files = {
  'cert-renewer.schema.json': () => json(jsonSchema()),
  'schemas/renew-request.schema.json': () => json(requestJsonSchema()),
  'schemas/renew-answer.schema.json': () => json(answerJsonSchema()),
  'cdk/config/options.ts': () => optionsFile(jsonSchema()),
};

for (const [name, make] of Object.entries(files)) {
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, make());
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
