/** `doctor`: checks the stack. */
import { command } from '../command.ts';
import { findings } from '../doctor/checks.ts';
import { printFindings, printRecords } from '../doctor/report.ts';
import {
  findStack,
  invokeRenew,
  listProfiles,
  listSecrets,
  readAuthorities,
  readProfiles,
  readSettings,
} from '../permissions.ts';

export const doctor = command({
  name: 'doctor',
  summary: 'check the stack; each finding says what to do',
  description: [
    'Checks the deployment, the functions and their version, the schedules, the last scan and the last probe, the queues and dead letters, the CA of each profile with certificates (the renew function asks it), expired, overdue, failing, paused and not served certificates, endpoints that can’t be probed, and tags without effect. It changes nothing.',
    'The faults come first, in the order in which to mend them. Certificates with the same cause are one fault, and so are a CA that fails and the certificates that failed for it. The last line counts the faults and repeats the first one. With --json it is a record with the key summary.',
    'The exit code is 1 if it finds a fault or if a check is not possible. It names missing permissions.',
  ],
  options: { verbose: { flags: '--verbose', description: 'list the names of all certificates of a finding' } },
  examples: [
    { command: 'cert-renewer doctor', says: 'after a deployment or an alarm' },
    { command: 'cert-renewer doctor --verbose', says: 'with every name' },
  ],
  needs: [
    ...[findStack, readSettings, readProfiles, listProfiles, readAuthorities, listSecrets, invokeRenew],
    { actions: ['cloudformation:ListStackResources'], on: 'stack' },
    { actions: ['lambda:GetFunctionConfiguration'], on: 'renew' },
    { actions: ['lambda:GetFunctionConfiguration'], on: 'probe', when: 'the stack probes endpoints' },
    { actions: ['scheduler:GetSchedule'], on: 'schedules' },
    { actions: ['sqs:GetQueueAttributes'], on: 'queues' },
    { actions: ['logs:FilterLogEvents'], on: 'logs' },
    { actions: ['logs:FilterLogEvents'], on: 'probeLogs', when: 'the stack probes endpoints' },
    { actions: ['secretsmanager:DescribeSecret'], on: 'secrets', when: 'the stack has authorities' },
  ],
  run: async ({ session, terminal }, _, { verbose = false }) => {
    await session.stack(); // throws if there is none
    const found = await findings(session, (check) => terminal.progress(`Checking ${check} …`));
    terminal.progress('');
    if (terminal.json) printRecords(terminal, found);
    else printFindings(terminal, found, verbose);
    return found.some(({ grade }) => grade === 'fault' || grade === 'unknown') ? 'attention' : 'ok';
  },
});
