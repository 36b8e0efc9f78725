// A small Lambda runtime for measurements. It loads a bundle and passes its handler events, one after another.
//   node drive.mjs <bundle> <file of events> <file for the result>      Times are milliseconds, sizes bytes.
import { readFileSync, writeFileSync } from 'node:fs';

const [bundle, eventsFile, resultFile] = process.argv.slice(2);
const events = JSON.parse(readFileSync(eventsFile, 'utf8'));
const cpu = () => {
  const { user, system } = process.cpuUsage(); // since the start of this process
  return (user + system) / 1000;
};
const context = {
  awsRequestId: '00000000-0000-4000-8000-000000000000',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:renew',
  getRemainingTimeInMillis: () => 900_000,
};

let logged = 0; // bytes, which CloudWatch Logs bills
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = (chunk, ...others) => {
  logged += Buffer.byteLength(chunk);
  return write(chunk, ...others);
};

const { handler } = await import(bundle);
const started = performance.now(); // since the start of this process
const marks = [];
const answers = [];
for (const event of events) {
  const before = { wall: performance.now(), cpu: cpu() };
  answers.push(await handler(event, context));
  marks.push({ wall: performance.now() - before.wall, cpu: cpu() - before.cpu });
}
const result = {
  started,
  events: marks,
  answers,
  logged,
  maxRss: process.resourceUsage().maxRSS * 1024,
};
writeFileSync(resultFile, JSON.stringify(result));
process.exit(0);
