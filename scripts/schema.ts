/** npm run schema: cert-renewer.schema.json from the schema that the configuration is validated with. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jsonSchema } from '../cdk/config-schema.ts';

const file = fileURLToPath(new URL('../cert-renewer.schema.json', import.meta.url));
writeFileSync(file, `${JSON.stringify(jsonSchema(), null, 2)}\n`);
