/** `renew`: on-demand requests, for one certificate or many. */

import { count } from '../../lambdas/domain/count.ts';
import type { RenewalResult } from '../../lambdas/domain/result.ts';
import { isOfOthers } from '../../lambdas/inventory/row.ts';
import { isAuthorityProfile } from '../../lambdas/policy/authority-profile.ts';
import { parseOnDemandRequest } from '../../lambdas/policy/request.ts';
import { type Context, command } from '../command.ts';
import { type Exit, explain, UsageError } from '../exit.ts';
import { inFlags } from '../flags.ts';
import { inventory } from '../inventory.ts';
import { findStack, invokeRenew, listProfiles, lookAtInventory } from '../permissions.ts';
import { printable, progressBar } from '../terminal.ts';

const options = {
  profile: { flags: '--profile <profile>', description: 'all certificates of this profile' },
  all: { flags: '--all', description: "all enrolled certificates of the stack's profiles" },
  expiresIn: {
    flags: '--expires-in <window>',
    description: 'only if this much time or less is left: 8h, or 33% of the validity',
  },
  rekeyPeriod: { flags: '--rekey-period <duration>', description: 'only if this much time has passed since notBefore' },
  mode: {
    flags: '--mode <mode>',
    description: 'new key pair (rekey), or the same (renew)',
    choices: ['rekey', 'renew'],
  },
  kty: { flags: '--kty <type>', description: 'type of the new key', choices: ['EC', 'OKP', 'RSA'] },
  curve: { flags: '--curve <curve>', description: 'P-256, P-384, P-521 or Ed25519; needs --kty' },
  crv: { flags: '--crv <curve>', description: 'same as --curve' },
  size: { flags: '--size <bits>', description: 'size of an RSA key, 2048 to 8192; needs --kty' },
  privateKey: {
    flags: '--private-key <key>',
    description: 'rekey with this key: a secret of the same profile, or a key in KMS (its ARN, alias/…, or kms:<id>)',
  },
  out: { flags: '--out <secret>', description: 'write the new pair to this secret, and leave the source unchanged' },
  force: {
    flags: '--force',
    description:
      'ignore window, recent renewal and pause; overwrite --out, and in a declared secret a value that is no certificate',
  },
  dryRun: { flags: '--dry-run', description: 'show what would be done, and why; change nothing' },
  concurrency: { flags: '--concurrency <number>', description: 'requests at the same time, 1 to 50 (default: 5)' },
} as const;

export const renew = command({
  name: 'renew',
  summary: 'renew certificates now; issue declared ones that are missing or changed',
  description: [
    'Invokes the renew function for each certificate and prints a line for each result. It renews at once, due or not, unless --expires-in or --rekey-period is given. A declared certificate that is missing or changed is issued by its declaration.',
    'For many certificates it shows a progress bar on a terminal, and a summary. A failure stops no other certificate; the exit code is then 1. After Ctrl-C it starts nothing new, waits for running requests, and lists the untouched secrets. A second Ctrl-C does not wait.',
    'A CA that speaks ACME needs some time: the outcome is then pending. The certificate comes by itself, and you need not ask again. A further request asks the CA again, for the same order.',
    "--all and --profile leave out secrets of other stacks and services. Renew the stack's own authorities by name, or with --profile authority:<name>.",
  ],
  argument: { name: '[names...]', description: 'names or ARNs of secrets' },
  options,
  examples: [
    { command: 'cert-renewer renew web/tls', says: 'one certificate, now' },
    { command: 'cert-renewer renew --profile internal --expires-in 72h', says: 'those that expire within three days' },
    { command: 'cert-renewer renew --all --dry-run', says: 'what would be done, and why' },
    { command: 'cert-renewer renew web/tls --kty RSA --size 4096', says: 'with another type of key' },
  ],
  needs: [
    findStack,
    invokeRenew,
    ...lookAtInventory
      .filter((need) => need !== findStack && need !== listProfiles)
      .map((need) => ({ ...need, when: '`--all`, `--profile`' })),
    listProfiles,
  ],
  winds: true,
  run: async (context, names, given) => {
    const { request, concurrency } = readRequest(names, given);
    const targets = await targetsOf(context, names, given);
    return renewAll(context, targets, request, concurrency);
  },
});

type Given = Parameters<typeof renew.run>[2];
/** The request without the secret's name. */
type Request = Readonly<Record<string, unknown>>;

/** Throws UsageError for what the function would refuse, before the first request. */
function readRequest(names: readonly string[], given: Given): { request: Request; concurrency: number } {
  const { profile, all, crv, curve = crv, privateKey, size, out } = given;
  const ways = [names.length > 0, profile !== undefined, all === true].filter(Boolean).length;
  if (ways !== 1)
    throw new UsageError('Select the certificates by names, by --profile or by --all: exactly one of the three.');
  if (crv !== undefined && curve !== crv) throw new UsageError('--curve and --crv have different values: keep one.');
  if (out !== undefined && names.length !== 1) throw new UsageError('--out needs exactly one named secret.');
  const concurrency = Number(given.concurrency ?? '5');
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 50) {
    throw new UsageError(`--concurrency is ${given.concurrency}: expected a whole number from 1 to 50.`);
  }
  const { expiresIn, rekeyPeriod, mode, kty, force, dryRun } = given;
  const settings = {
    ...{ expiresIn, rekeyPeriod, mode, kty, curve, force, dryRun },
    size: size === undefined ? undefined : /^\d+$/.test(size) ? Number(size) : size,
    privateKey: privateKey === undefined ? undefined : keyOf(privateKey),
    out: out === undefined ? undefined : { secretId: out },
  };
  const request = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  for (const secretId of names.length > 0 ? names : ['any']) check({ secretId, ...request });
  return { request, concurrency };
}

function keyOf(text: string): { secretId: string } | { kmsKeyId: string } {
  if (text.startsWith('kms:')) return { kmsKeyId: text.slice('kms:'.length) };
  return /^arn:[\w-]+:kms:|^alias\//.test(text) ? { kmsKeyId: text } : { secretId: text };
}

function check(request: Request): void {
  try {
    parseOnDemandRequest(request);
  } catch (thrown) {
    throw new UsageError(explain(thrown).message);
  }
}

async function targetsOf(context: Context, names: readonly string[], { profile }: Given): Promise<readonly string[]> {
  if (names.length > 0) return [...new Set(names)];
  const { session, terminal } = context;
  const targets: string[] = [];
  for await (const { rows } of inventory(session, terminal, { names: [], profile })) {
    for (const row of rows) {
      const isAsked = !isAuthorityProfile(row.profile) || row.profile === profile;
      if (isAsked && !isOfOthers(row)) targets.push(row.name);
    }
    terminal.progress(`${count(targets.length, 'certificate')} …`);
  }
  terminal.progress('');
  if (targets.length === 0) {
    throw new UsageError(
      profile === undefined
        ? 'No secret is enrolled.'
        : `No secret is enrolled in the profile ${profile} of this stack.`,
    );
  }
  return targets;
}

interface Ending {
  readonly outcome: RenewalResult['outcome'] | 'failed';
  readonly detail: string;
  readonly record: object;
}

async function renewAll(
  context: Context,
  targets: readonly string[],
  request: Request,
  concurrency: number,
): Promise<Exit> {
  const { terminal, session, interrupted } = context;
  const functionName = await session.output('RenewFunctionName');
  const counts = new Map<string, number>();
  const failed: string[] = [];
  const underWay = new Set<string>();
  const waiting = [...targets];
  const width = Math.min(40, Math.max(...targets.map((name) => name.length)));
  let done = 0;
  const showProgress = () => {
    if (targets.length === 1) return;
    const failures = failed.length > 0 ? `, ${failed.length} failed` : '';
    terminal.progress(progressBar(done, targets.length, failures));
  };
  const stop = () => {
    const begun = underWay.size > 0 ? `waiting for ${[...underWay].join(', ')}` : 'no request is running';
    terminal.note(printable(`Stopping: ${begun}. Press Ctrl-C again to leave without waiting.`));
  };
  interrupted.addEventListener('abort', stop, { once: true });

  async function work(): Promise<void> {
    for (let name = waiting.shift(); name !== undefined; name = interrupted.aborted ? undefined : waiting.shift()) {
      underWay.add(name);
      const { outcome, detail, record } = await renewOne(context, functionName, name, request);
      underWay.delete(name);
      done += 1;
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      if (outcome === 'failed') failed.push(name);
      if (terminal.json) terminal.record(record);
      else terminal.print(printable(`${name.padEnd(width)}  ${outcome.padEnd(7)}  ${detail}`));
      showProgress();
    }
  }
  showProgress();
  await Promise.all(Array.from({ length: Math.min(concurrency, targets.length) }, work));
  terminal.progress('');
  interrupted.removeEventListener('abort', stop);
  summarise(context, { counts, failed, untouched: waiting, all: targets.length });
  if (interrupted.aborted) return 'interrupted';
  return failed.length > 0 ? 'attention' : 'ok';
}

async function renewOne(
  { session }: Context,
  functionName: string,
  secretId: string,
  request: Request,
): Promise<Ending> {
  try {
    const answer = await session.functions.invoke(functionName, { secretId, ...request });
    const result = answer as RenewalResult; // schemas/renew-answer.schema.json
    return { outcome: result.outcome, detail: detailOf(result), record: { secretId, ...result } };
  } catch (thrown) {
    const error = explain(thrown);
    return {
      outcome: 'failed',
      detail: `${error.errorType}: ${error.message}`,
      record: { secretId, outcome: 'failed', error },
    };
  }
}

/** Describes a result in one line. */
export function detailOf(result: RenewalResult): string {
  const { outcome, reason, warnings, keyAlgorithm, notAfter, out } = result;
  const warned = warnings.map(({ code, message }) => ` (${code}: ${message})`).join('');
  if (outcome === 'skipped' || outcome === 'planned' || outcome === 'pending')
    return `${reason.code}: ${inFlags(reason.message)}${warned}`;
  const where = out ? `, in ${out.secretArn}` : '';
  return `${keyAlgorithm ?? 'key elsewhere'}${namesOf(result)}, until ${notAfter}${where}${warned}`;
}

/** The names of an issued certificate, as its declaration may have changed them. A renewal keeps the names. */
function namesOf({ outcome, sans, previousSerialNumber }: RenewalResult): string {
  if (outcome !== 'issued') return '';
  const names = sans && sans.length > 0 ? ` for ${sans.join(' ')}` : '';
  return `${names}, ${previousSerialNumber ? `replaces ${previousSerialNumber}` : 'the first'}`;
}

interface Tally {
  readonly counts: ReadonlyMap<string, number>;
  readonly failed: readonly string[];
  readonly untouched: readonly string[];
  readonly all: number;
}

function summarise({ terminal, interrupted }: Context, { counts, failed, untouched, all }: Tally): void {
  if (all > 1) {
    const parts = [...counts].map(([outcome, number]) => `${number} ${outcome}`);
    if (untouched.length > 0) parts.push(`${untouched.length} untouched`);
    terminal.note(`${parts.join(', ')} of ${all}.`);
    if (failed.length > 0) terminal.note(printable(`Failed: ${failed.join(', ')}`));
  }
  if (!interrupted.aborted) return;
  if (terminal.json) for (const secretId of untouched) terminal.record({ secretId, outcome: 'untouched' });
  else if (untouched.length > 0) terminal.note(printable(`Untouched: ${untouched.join(', ')}`));
}
