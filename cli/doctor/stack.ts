/** The deployment, the functions, and the schedule. */

import { docs } from '../../lambdas/domain/docs.ts';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import type { Session } from '../session.ts';
import { type Finding, fault, note, ok } from './finding.ts';

const again = 'cert-renewer deploy --config <your configuration>';
const deployAgain = { fix: `Deploy it again: ${again}.`, link: docs('cli.md', 'deploy') };

export async function stack({ stack: find }: Session): Promise<readonly Finding[]> {
  const { name, status, updatedAt } = await find();
  const when = updatedAt === undefined ? '' : `, ${formatInstant(updatedAt)}`;
  if (/ROLLBACK|FAILED/.test(status)) {
    return [
      fault(`The last deployment of ${name} did not succeed (${status}${when}).`, {
        ...deployAgain,
        fix: `See its events in CloudFormation. ${deployAgain.fix}`,
      }),
    ];
  }
  if (status.endsWith('IN_PROGRESS')) {
    const fix = 'Run cert-renewer doctor again when that is done.';
    return [note(`${name} is being deployed (${status}).`, { ...deployAgain, fix })];
  }
  return [ok(`${name} is deployed (${status}${when}).`)];
}

export async function functions({ functions: asked, output, version }: Session): Promise<readonly Finding[]> {
  const names = [await output('ScanFunctionName'), await output('RenewFunctionName')];
  return Promise.all(
    names.map(async (name) => {
      const { state, lastUpdate, environment } = await asked.settings(name);
      if (state !== 'Active' || lastUpdate !== 'Successful') {
        return fault(`The function ${name} is ${state}, its last update ${lastUpdate}.`, {
          ...deployAgain,
          fix: `See the function in the Lambda console. ${deployAgain.fix}`,
        });
      }
      const { CERT_RENEWER_VERSION: deployed } = environment;
      if (deployed !== version) {
        const says = `${name} has version ${deployed ?? 'unknown'}; this command line has version ${version}.`;
        const fix = `${deployAgain.fix} Or use the command line of the deployed version.`;
        return fault(says, { ...deployAgain, fix });
      }
      return ok(`${name} is active and has version ${version}.`);
    }),
  );
}

const noScan = docs('operations.md', 'noscan');

export async function schedule({ observer, resources }: Session): Promise<readonly Finding[]> {
  const [found] = (await resources()).filter(({ type }) => type === 'AWS::Scheduler::Schedule');
  if (!found) return [fault('The stack has no schedule.', { ...deployAgain, link: noScan })];
  const state = await observer.scheduleState(found.id);
  if (state === 'ENABLED') return [ok('The schedule is on.')];
  const untilThen = 'Until then, cert-renewer scan does its work.';
  if (state === undefined) {
    return [
      fault(`The schedule ${found.id} was deleted: nothing is renewed automatically.`, {
        fix: `CloudFormation does not notice, so a deployment alone does not bring it back: the page below has the command. ${untilThen}`,
        link: noScan,
      }),
    ];
  }
  return [
    fault('The schedule is off: nothing is renewed automatically.', {
      fix: `If the configuration has "paused": true, remove it and deploy. Otherwise somebody disabled the schedule, and CloudFormation does not notice: deploy with "paused": true, remove it, and deploy again. ${untilThen}`,
      link: noScan,
    }),
  ];
}
