/** `probe`: what the endpoints of certificates present now, from the network of the probe function or from this machine. */
import { count } from '../../lambdas/domain/count.ts';
import type { ProbeAnswer, ProbeResult } from '../../lambdas/probes/run.ts';
import { type Context, command } from '../command.ts';
import { CommandError, type Exit } from '../exit.ts';
import { targetWords } from '../hints.ts';
import {
  describeSecrets,
  findStack,
  invokeProbe,
  listSecrets,
  readAuthorities,
  readProfiles,
  readSettings,
} from '../permissions.ts';
import { probeHere } from '../probe/here.ts';
import { isServed, linesOf, recordOf } from '../probe/shown.ts';
import type { Session } from '../session.ts';

/** The function takes so many names in one request. */
const mostNames = 100;

const here = '`--local`';

export const probe = command({
  name: 'probe',
  summary: 'see what the endpoints of certificates present now',
  description: [
    'Makes a TLS handshake with each address of each endpoint (the tag cert-renewer:endpoints), and compares what is presented with the certificate in the secret. It prints the state, the message for each address, the serial number and the end of what is presented, and warns of an IncompleteChain. The probe function does it, because its network is what counts. It reads no secret. As with a scheduled probe, it notes the state, and sends the event if there is news.',
    'Without names all certificates with endpoints are probed. The function then answers with counts only: status lists those that are not served. What can’t be probed is counted as skipped: name it to see why.',
    'With --local this machine makes the handshakes, in its own network. probe.allow of the stack applies all the same. Nothing is noted, and no event is sent.',
    'The exit code is 1 if an endpoint does not serve its certificate, or if a certificate that you name could not be probed. A stack without "probe" in its configuration probes nothing: see docs/served.md.',
  ],
  argument: { name: '[names...]', description: 'names or ARNs of secrets (default: all with endpoints)' },
  options: {
    local: { flags: '--local', description: 'probe from this machine, in its network; note nothing, send no event' },
  },
  examples: [
    { command: 'cert-renewer probe web/tls', says: 'one certificate, from the network of the probe function' },
    { command: 'cert-renewer probe web/tls --local', says: 'the same, from this machine' },
    { command: 'cert-renewer probe', says: 'all certificates with endpoints' },
  ],
  needs: [
    findStack,
    { ...invokeProbe, when: 'without `--local`' },
    ...[readSettings, readProfiles].map((need) => ({ ...need, when: here })),
    { ...readAuthorities, when: `${here}, and the stack has authorities` },
    { ...describeSecrets, when: `${here}, and you name secrets` },
    { ...listSecrets, when: `${here}, and you name no secret` },
  ],
  run: async (context, names, { local }) => {
    const wanted = [...new Set(names)];
    if (local) return probeLocally(context, wanted);
    const functionName = await probeFunction(context.session);
    return wanted.length === 0 ? probeAll(context, functionName) : probeNamed(context, functionName, wanted);
  },
});

/** Throws IncompleteStack for a stack that does not probe. */
async function probeFunction({ stack, target }: Session): Promise<string> {
  const { outputs, status } = await stack();
  const found = outputs.get('ProbeFunctionName');
  if (found !== undefined) return found;
  throw new CommandError(
    'IncompleteStack',
    `The stack ${target.stackName} (${status}) has no output ProbeFunctionName, so it probes nothing: add "probe" to the configuration, such as "probe": { "allow": ["dns:example.com"] }, and deploy (cert-renewer deploy). See docs/served.md.`,
  );
}

async function ask({ session }: Context, functionName: string, request: object): Promise<ProbeResult> {
  const answer = await session.functions.invoke(functionName, request);
  return answer as ProbeResult; // docs/invoke.md
}

async function probeNamed(context: Context, functionName: string, names: readonly string[]): Promise<Exit> {
  const { terminal, interrupted } = context;
  let exit: Exit = 'ok';
  for (let from = 0; from < names.length && !interrupted.aborted; from += mostNames) {
    terminal.progress(`Probing ${count(Math.min(names.length - from, mostNames), 'certificate')} …`);
    const secretIds = names.slice(from, from + mostNames);
    const { results = [] } = await ask(context, functionName, { secretIds });
    terminal.progress('');
    if (tell(context, results) === 'attention') exit = 'attention';
  }
  return exit;
}

async function probeLocally(context: Context, names: readonly string[]): Promise<Exit> {
  const { terminal, session } = context;
  terminal.note('Probing from this machine, in its network. Nothing is noted, and no event is sent.');
  let exit: Exit = 'ok';
  let all = 0;
  for await (const answer of probeHere(session, names)) {
    all += 1;
    if (tell(context, [answer]) === 'attention') exit = 'attention';
  }
  if (all === 0) terminal.note('No secret has the tag cert-renewer:endpoints.');
  return exit;
}

/** Prints the answers. A certificate without an error, of which nothing was found, was not reached in time. */
function tell({ terminal }: Context, answers: readonly ProbeAnswer[]): Exit {
  for (const answer of answers) {
    if (terminal.json) terminal.record(recordOf(answer));
    else terminal.print(linesOf(answer, terminal).join('\n'));
  }
  return answers.every(isServed) ? 'ok' : 'attention';
}

async function probeAll(context: Context, functionName: string): Promise<Exit> {
  const { terminal, session } = context;
  terminal.progress('Probing all certificates with endpoints …');
  const answer = await ask(context, functionName, {});
  terminal.progress('');
  const { listed, probed, served, pending, notServed, skipped, partial } = answer;
  if (terminal.json) terminal.record(answer);
  else {
    const counts = `${served} served, ${pending} not served yet, ${notServed} not served, ${skipped} skipped`;
    terminal.print(`${count(listed, 'certificate')} with endpoints, ${probed} probed: ${counts}.`);
    if (partial) terminal.note('The time was over before all were probed: run it again for the rest.');
    if (notServed > 0) {
      terminal.hint(`See which: cert-renewer status --state 'not served'${targetWords(session.target)}`);
    }
  }
  return pending + notServed > 0 || partial ? 'attention' : 'ok';
}
