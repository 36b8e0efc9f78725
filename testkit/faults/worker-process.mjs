// A worker process that a test can kill. It loads the bundled handler and passes it events, one after
// another. It is plain JavaScript, because tests start it many times.
//   node worker-process.mjs <bundle> <events as JSON>     CA_LOG: a file with a line for each call of a CA   KILL_AT_CA: before | after
//   CA_PATHS: which paths are such calls   KILL_PATHS: at which of them it is killed. Both are regular expressions.
import { appendFileSync } from 'node:fs';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';

const [bundle, events] = process.argv.slice(2);
const {
  CA_LOG,
  CA_PATHS = '/(renew|rekey|sign)$',
  KILL_PATHS = CA_PATHS,
  KILL_AT_CA,
  REMAINING_MS = '90000',
  CLOCK_OFFSET_MS = '0',
} = process.env;
const die = () => process.kill(process.pid, 'SIGKILL');
const offset = Number(CLOCK_OFFSET_MS);
if (offset !== 0) {
  const now = Date.now.bind(Date);
  Date.now = () => now() + offset;
}

const { request } = https;
https.request = (url, options, ...rest) => {
  const path = url instanceof URL ? url.pathname : (url.path ?? '');
  if (!new RegExp(CA_PATHS).test(path)) return request(url, options, ...rest);
  const isLast = new RegExp(KILL_PATHS).test(path);
  if (isLast && KILL_AT_CA === 'before') die();
  if (CA_LOG) appendFileSync(CA_LOG, `${path}\n`);
  const sent = request(url, options, ...rest);
  if (isLast && KILL_AT_CA === 'after')
    sent.prependListener('response', (answer) => answer.prependListener('end', die));
  return sent;
};
syncBuiltinESMExports();

const started = Date.now();
const { handler } = await import(bundle);
const results = [];
for (const event of JSON.parse(events)) {
  const context = {
    awsRequestId: '00000000-0000-4000-8000-000000000000',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:renew',
    getRemainingTimeInMillis: () => Number(REMAINING_MS) - (Date.now() - started),
  };
  results.push(
    await handler(event, context).catch((error) => ({ error: { code: error.name, message: error.message } })),
  );
}
process.stdout.write(`\nRESULTS ${JSON.stringify(results)}\n`, () => process.exit(0));
