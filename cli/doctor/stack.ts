/** The deployment, the functions, and the schedule. */

import { docs } from '../../lambdas/domain/docs.ts';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import type { StackResource } from '../aws/cloudformation.ts';
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

export async function functions({
  functions: asked,
  output,
  stack: find,
  version,
}: Session): Promise<readonly Finding[]> {
  const probe = (await find()).outputs.get('ProbeFunctionName');
  const names = [
    ...[await output('ScanFunctionName'), await output('RenewFunctionName')],
    ...(probe === undefined ? [] : [probe]),
  ];
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

/** The logical id of the probe's schedule contains the path of its construct. */
const isOfProbe = ({ logicalId }: StackResource): boolean => logicalId.includes('ProbeSchedule');

export async function schedule({ observer, resources }: Session): Promise<readonly Finding[]> {
  const schedules = (await resources()).filter(({ type }) => type === 'AWS::Scheduler::Schedule');
  const ofProbe = schedules.find(isOfProbe);
  const found = schedules.find((each) => !isOfProbe(each));
  const probing = ofProbe && scheduleOfProbe(await observer.scheduleState(ofProbe.id));
  return [...(await scheduleOfScan(observer, found?.id)), ...(probing ? [probing] : [])];
}

function scheduleOfProbe(state: string | undefined): Finding {
  if (state === 'ENABLED') return ok('The schedule of the probe is on.');
  const what = state === undefined ? 'was deleted' : 'is off';
  return fault(`The schedule of the probe ${what}: nobody looks whether new certificates are served.`, {
    fix: 'CloudFormation does not notice: remove "probe" from the configuration, deploy, add it again, and deploy. Until then, cert-renewer probe does its work.',
    link: docs('served.md', 'how-to-set-it-up'),
  });
}

async function scheduleOfScan(observer: Session['observer'], id: string | undefined): Promise<readonly Finding[]> {
  if (id === undefined) return [fault('The stack has no schedule.', { ...deployAgain, link: noScan })];
  const state = await observer.scheduleState(id);
  if (state === 'ENABLED') return [ok('The schedule is on.')];
  const untilThen = 'Until then, cert-renewer scan does its work.';
  if (state === undefined) {
    return [
      fault(`The schedule ${id} was deleted: nothing is renewed automatically.`, {
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
