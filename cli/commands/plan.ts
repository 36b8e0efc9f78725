/** `plan`: what the next scan would do, as the scan function answers it. */
import type { PlanEntry, ScanResult } from '../../lambdas/domain/result.ts';
import { command } from '../command.ts';
import { findStack, invokeScan } from '../permissions.ts';
import { GrowingTable } from '../table.ts';

export const plan = command({
  name: 'plan',
  summary: 'show what the next scan would do, and why',
  description: [
    'Runs the scan as a dry run and prints an action and a reason for each certificate. It sends no message and changes nothing.',
    'The actions are renew, rekey, issue, inspect and skip. The action is issue for a declared certificate that is missing (Missing) or whose declaration has changed (Changed). With inspect, a worker reads the secret and decides.',
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
  needs: [findStack, invokeScan],
  run: async ({ session, terminal }, names, { profile, force }) => {
    terminal.progress('Asking the scan …');
    const request = {
      dryRun: true,
      ...(names.length > 0 && { secretIds: [...new Set(names)] }),
      ...(profile !== undefined && { profile }),
      ...(force && { force }),
    };
    const answer = await session.functions.invoke(await session.output('ScanFunctionName'), request);
    terminal.progress('');
    const { plan: entries, planTruncated, listed, notFound } = answer as ScanResult;
    if (terminal.json) for (const entry of entries) terminal.record(entry);
    else new GrowingTable(terminal, columns).add(entries.map(cellsOf));
    if (planTruncated)
      terminal.note(`The plan is cut to ${entries.length} of ${listed} certificates: use --profile or names.`);
    // A stack of an earlier version has no notFound.
    const isPlanned = (name: string) => entries.some((entry) => entry.name === name || entry.secretArn === name);
    const missing = notFound ?? names.filter((name) => !isPlanned(name));
    for (const name of missing) {
      const error = {
        errorType: 'SecretNotEnrolled',
        message: `It is not enrolled, or does not exist${profile === undefined ? '' : `, or is not of the profile ${profile}`}. cert-renewer status ${name} tells which.`,
      };
      if (terminal.json) terminal.record({ name, error });
      else terminal.note(`${name}: ${error.errorType}: ${error.message}`);
    }
    return missing.length > 0 ? 'attention' : 'ok';
  },
});

const columns = [{ head: 'NAME', least: 16 }, { head: 'PROFILE' }, { head: 'ACTION' }, { head: 'REASON', least: 20 }];

const cellsOf = ({ name, profile, action, reason }: PlanEntry) => [
  { text: name },
  { text: profile },
  { text: action, style: action === 'skip' ? ('dim' as const) : undefined },
  { text: `${reason.code}: ${reason.message}` },
];
