/** `doctor`: checks the stack. */
import { command } from '../command.ts';
import { explain } from '../exit.ts';
import { checks, findingsOf, type Grade } from '../findings.ts';
import { findStack, invokeRenew, listSecrets, readAuthorities, readProfiles, readSettings } from '../permissions.ts';
import { printable, type Style } from '../terminal.ts';

const styles: Readonly<Record<Grade, Style>> = { ok: 'green', fault: 'red', note: 'yellow', unknown: 'cyan' };

export const doctor = command({
  name: 'doctor',
  summary: 'check the stack; each finding says what to do',
  description: [
    'Checks the deployment, the functions and their version, the schedule, the last scan, the queues and dead letters, the CA of each profile with certificates (the renew function asks it), overdue and failing certificates, and tags without effect. It changes nothing.',
    'The exit code is 1 if it finds a fault or if a check is not possible. It names missing permissions.',
  ],
  options: {},
  examples: [{ command: 'cert-renewer doctor', says: 'after a deployment or an alarm' }],
  needs: [
    ...[findStack, readSettings, readProfiles, readAuthorities, listSecrets, invokeRenew],
    { actions: ['cloudformation:ListStackResources'], on: 'stack' },
    { actions: ['lambda:GetFunctionConfiguration'], on: 'renew' },
    { actions: ['scheduler:GetSchedule'], on: 'schedules' },
    { actions: ['sqs:GetQueueAttributes'], on: 'queues' },
    { actions: ['logs:FilterLogEvents'], on: 'logs' },
    { actions: ['secretsmanager:DescribeSecret'], on: 'secrets', when: 'the stack has authorities' },
  ],
  run: async ({ session, terminal }) => {
    let isWell = true;
    await session.stack(); // throws if there is none
    for (const check of checks) {
      terminal.progress(`Checking ${check.name} …`);
      const findings = await findingsOf(check, session, terminal, (thrown) => {
        const { errorType, message } = explain(thrown);
        return `${errorType}: ${message}`;
      });
      terminal.progress('');
      for (const { grade, says, fix } of findings) {
        if (grade === 'fault' || grade === 'unknown') isWell = false;
        if (terminal.json) terminal.record({ check: check.name, grade, says, fix: fix ?? null });
        else {
          terminal.print(`${terminal.paint(styles[grade], grade.padEnd(7))}  ${printable(says)}`);
          if (fix !== undefined) terminal.print(`         ${terminal.paint('dim', printable(fix))}`);
        }
      }
    }
    return isWell ? 'ok' : 'attention';
  },
});
