/**
 * Runs `cert-renewer` in the process of the test, against the local AWS. A process of its own takes ten times the CPU time, and adds only
 * what cli/main.ts does: so the tests start each command once (command-line.ts).
 */
import { randomBytes } from 'node:crypto';
import { cdkOf } from '../../cli/cdk.ts';
import { run } from '../../cli/program.ts';
import { openSession } from '../../cli/session.ts';
import { systemClock } from '../../testkit/local-aws/adapter-options.ts';
import type { Finished } from '../../testkit/tools/process.ts';
import type { Environment } from './command-line.ts';

/** Takes what the AWS SDK would take from the environment of a process: endpoint, Region and credentials. */
function awsOf(env: Environment) {
  const { AWS_ENDPOINT_URL: endpoint = '', AWS_REGION: region = '', AWS_SESSION_TOKEN: sessionToken } = env;
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = env;
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  return { endpoint, region, credentials };
}

/** `output` is stdout and stderr in the order of their writing, as in a pipe. */
export async function here(env: Environment, ...words: readonly string[]): Promise<Finished> {
  let [output, stdout] = ['', ''];
  const code = await run(words, {
    stdout: {
      write: (text) => {
        output += text;
        stdout += text;
      },
    },
    stderr: {
      write: (text) => {
        output += text;
      },
    },
    env,
    clock: systemClock,
    entropy: (length) => randomBytes(length),
    process: { pid: process.pid, isAlive: () => true },
    cdk: cdkOf({ node: process.execPath, env, isTerminal: false, atExit: () => () => undefined }),
    onInterrupt: () => {},
    exit: () => {},
    // A command shows the options of its own line only, so it gets the target of that line.
    open: (target, version, clock) => ({
      ...openSession({ ...target, aws: { ...target.aws, ...awsOf(env) } }, version, clock),
      target,
    }),
  });
  return { code, output, stdout };
}
