/** `npm run audit`: known vulnerabilities of what runs in production. Ends with 1 where one is high or critical. */
import { audit } from '../testkit/tools/audit.ts';

const { verdict, text } = await audit();
process.stdout.write(`${text}\n`);
process.exitCode = verdict === 'vulnerable' ? 1 : 0;
