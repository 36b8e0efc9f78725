/** `npm run audit` lists known vulnerabilities of the production packages. The exit code is 1 if one is high or critical. */
import { audit } from '../testkit/tools/audit.ts';

const { verdict, text } = await audit();
process.stdout.write(`${text}\n`);
process.exitCode = verdict === 'vulnerable' ? 1 : 0;
