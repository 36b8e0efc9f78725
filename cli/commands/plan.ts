/** `plan`: what the next scan would do, as the scan function answers it. */
import type { Warning } from '../../lambdas/domain/decision.ts';
import type { PlanEntry, ScanResult } from '../../lambdas/domain/result.ts';
import { type Context, command } from '../command.ts';
import { explain } from '../exit.ts';
import { inFlags } from '../flags.ts';
import { inventoryWarnings, type Selection } from '../inventory.ts';
import { tellNotFound } from '../not-found.ts';
import {
  describeSecrets,
  findStack,
  invokeScan,
  listProfiles,
  listSecrets,
  readAuthorities,
  readProfiles,
  readSettings,
} from '../permissions.ts';
import { checkProfile } from '../session.ts';
import { type Column, printTable } from '../table.ts';
import { printable } from '../terminal.ts';

const optional = 'optional: for warnings, and to check `--profile`';

export const plan = command({
  name: 'plan',
  summary: 'show what the next scan would do, and why',
  description: [
    'Runs the scan as a dry run and prints an action and a reason for each certificate. It sends no message and changes nothing.',
    'The actions are renew, rekey, issue, inspect and skip. The action is issue for a declared certificate that is missing (Missing) or whose declaration has changed (Changed). With inspect, a worker reads the secret and decides. A certificate that waits for its CA is skipped (WaitingForCa).',
    'It warns of a window that does not apply as it is set: WindowClamped, WindowBelowSchedule. With --json the line of such a certificate has warnings.',
    'The exit code is 1 if a named secret is not enrolled or does not exist.',
  ],
  argument: { name: '[names...]', description: 'names or ARNs of secrets (default: all enrolled ones)' },
  options: {
    profile: { flags: '--profile <profile>', description: 'only certificates of this profile' },
    force: {
      flags: '--force',
      description: 'plan for a scan with force: also certificates that are not due, paused or in back-off',
    },
  },
  examples: [
    { command: 'cert-renewer plan', says: 'all certificates' },
    { command: 'cert-renewer plan web/tls', says: 'one certificate' },
    { command: 'cert-renewer plan --profile internal --json', says: 'for a program' },
  ],
  needs: [
    findStack,
    invokeScan,
    ...[readSettings, readProfiles, readAuthorities].map((need) => ({ ...need, when: optional })),
    { ...listSecrets, when: `${optional}, without names` },
    { ...describeSecrets, when: `${optional}, with names` },
    listProfiles,
  ],
  run: async (context, names, { profile, force }) => {
    const { session, terminal } = context;
    if (profile !== undefined) await checkProfile(session, profile);
    terminal.progress('Asking the scan …');
    const named = [...new Set(names)];
    const request = {
      dryRun: true,
      ...(named.length > 0 && { secretIds: named }),
      ...(profile !== undefined && { profile }),
      ...(force && { force }),
    };
    const functionName = await session.output('ScanFunctionName');
    const [answer, warned] = await Promise.all([
      session.functions.invoke(functionName, request),
      warningsFor(context, { names: named, profile }),
    ]);
    terminal.progress('');
    const { plan: entries, planTruncated, listed, notFound } = answer as ScanResult;
    if (terminal.json) {
      for (const entry of entries) {
        const warnings = warned?.get(entry.secretArn);
        terminal.record({ ...entry, ...(warnings && { warnings }) });
      }
    } else {
      printTable(terminal, columns, entries.map(cellsOf));
      for (const { name, secretArn } of entries) {
        for (const { code, message } of warned?.get(secretArn) ?? []) {
          terminal.note(printable(`${name}: warning ${code}: ${message}`));
        }
      }
    }
    if (planTruncated)
      terminal.note(`The plan is cut to ${entries.length} of ${listed} certificates: use --profile or names.`);
    // A stack of an earlier version has no notFound.
    const isPlanned = (name: string) => entries.some((entry) => entry.name === name || entry.secretArn === name);
    const missing = notFound ?? names.filter((name) => !isPlanned(name));
    tellNotFound(context, missing, profile);
    return missing.length > 0 ? 'attention' : 'ok';
  },
});

/**
 * Returns the warnings by the ARN of the secret. The answer of the scan has none, so they are found from the same tags. Undefined if these
 * can't be read; a note says so.
 */
async function warningsFor(
  { session, terminal }: Context,
  selection: Selection,
): Promise<ReadonlyMap<string, readonly Warning[]> | undefined> {
  const found = new Map<string, readonly Warning[]>();
  try {
    for await (const page of inventoryWarnings(session, terminal, selection)) {
      for (const [arn, warnings] of page) if (warnings.length > 0) found.set(arn, warnings);
    }
    return found;
  } catch (thrown) {
    terminal.note(printable(`Warnings about windows are left out: ${explain(thrown).message}`));
    return undefined;
  }
}

const columns: readonly Column[] = [
  { head: 'NAME' },
  { head: 'PROFILE', yields: { to: 'leave', turn: 2 } },
  { head: 'ACTION' },
  { head: 'REASON', yields: { to: 'below', turn: 1 } },
];

const cellsOf = ({ name, profile, action, reason }: PlanEntry) => [
  { text: name },
  { text: profile },
  { text: action, style: action === 'skip' ? ('dim' as const) : undefined },
  { text: `${reason.code}: ${inFlags(reason.message)}` },
];
