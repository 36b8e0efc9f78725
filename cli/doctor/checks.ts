/** The checks of `doctor`, and what they find together. */
import { docs } from '../../lambdas/domain/docs.ts';
import type { Session } from '../session.ts';
import { certificates } from './certificates.ts';
import { type Check, type Finding, type Grade, impossible } from './finding.ts';
import { endpoints } from './served.ts';
import { functions, schedule, stack } from './stack.ts';
import { strayTags } from './tags.ts';
import { lastProbe, lastScan, queues } from './work.ts';

/** What the others depend on comes first. A dead letter is an effect: its cause is among the renewals. */
export const checks: readonly Check[] = [
  { name: 'stack', look: stack },
  { name: 'functions', look: functions },
  { name: 'schedule', look: schedule },
  { name: 'last scan', look: lastScan },
  { name: 'last probe', look: lastProbe },
  { name: 'renewals', look: certificates },
  { name: 'endpoints', look: endpoints },
  { name: 'queues', look: queues },
  { name: 'tags', look: strayTags },
];

export type Found = Finding & { readonly check: string };

const grades: readonly Grade[] = ['fault', 'unknown', 'note', 'ok'];

/** Runs all checks. Returns the faults first, in the order in which to mend them. A check that is not possible is a finding too. */
export async function findings(session: Session, begins: (check: string) => void): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const { name, look } of checks) {
    begins(name);
    for (const finding of await findingsOf(look, session)) found.push({ ...finding, check: name });
  }
  return grades.flatMap((grade) => found.filter((finding) => finding.grade === grade));
}

async function findingsOf(look: Check['look'], session: Session): Promise<readonly Finding[]> {
  try {
    return await look(session);
  } catch (thrown) {
    return [impossible(thrown, docs('cli.md', 'doctor'))];
  }
}
