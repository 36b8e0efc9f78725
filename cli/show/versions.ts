/** The versions of a secret with a staging label: the current one, the one before, and one that is not promoted yet. Pure. */
import { versionWithStage } from '../../lambdas/domain/secret.ts';
import type { VersionDates } from '../aws/secrets.ts';
import type { Facts } from './facts.ts';

export interface LabelledVersion {
  readonly label: string;
  readonly versionId: string;
  /** All its staging labels. */
  readonly stages: readonly string[];
  /** Its labels without the one that `label` stands for. */
  readonly others: readonly string[];
  readonly dates: VersionDates | undefined;
}

/** In this order. */
const stageLabels = [
  ['AWSCURRENT', 'Current'],
  ['AWSPREVIOUS', 'Previous'],
  ['AWSPENDING', 'Pending'],
] as const;

/** Each version once, with its first label of the table. Versions with another label only come last. */
export function versionsIn({
  secret,
  versionDates,
}: Pick<Facts, 'secret' | 'versionDates'>): readonly LabelledVersion[] {
  const found = new Map<string, LabelledVersion>();
  const add = (label: string, versionId: string | undefined, stage?: string) => {
    if (versionId === undefined || found.has(versionId)) return;
    const stages = secret.versions.get(versionId) ?? [];
    const others = stages.filter((each) => each !== stage);
    found.set(versionId, { label, versionId, stages, others, dates: versionDates?.get(versionId) });
  };
  for (const [stage, label] of stageLabels) add(label, versionWithStage(secret, stage), stage);
  for (const versionId of secret.versions.keys()) add('Version', versionId);
  return [...found.values()];
}
