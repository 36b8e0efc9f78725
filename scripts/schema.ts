/** npm run schema: the JSON Schemas of configuration, request and answer, from the schemas that validate them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jsonSchema } from '../cdk/config/config-schema.ts';
import { answerJsonSchema, requestJsonSchema } from '../lambdas/policy/json-schema.ts';

const schemas = {
  'cert-renewer.schema.json': jsonSchema,
  'schemas/renew-request.schema.json': requestJsonSchema,
  'schemas/renew-answer.schema.json': answerJsonSchema,
};

for (const [name, make] of Object.entries(schemas)) {
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(make(), null, 2)}\n`);
}
