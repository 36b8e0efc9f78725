/** Events as EventBridge delivers them. */
import type { ReportWorld } from '../../lambdas/hooks/report.ts';
import { FakeJournal } from '../../testkit/fakes/journal.ts';
import { FakePublisher } from '../../testkit/fakes/publisher.ts';

export const secretArn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:web/lb-AbCdEf';
export const versionId = 'cert-renewer-0123abcd-0123456789abcdef0123456789abcdef';

/** Builds `Certificate Renewed` of the profile web, with other fields in its detail. */
export function renewedEvent(detail: object = {}, envelope: object = {}): unknown {
  return {
    version: '0',
    id: '17793124-05d4-b198-2fde-7ededc63b103',
    source: 'cert-renewer',
    'detail-type': 'Certificate Renewed',
    account: '111122223333',
    region: 'eu-central-1',
    resources: [secretArn],
    detail: { version: '1', outcome: 'rekeyed', profile: 'web', secretArn, versionId, ...detail },
    ...envelope,
  };
}

export function reportWorld(): ReportWorld & { publisher: FakePublisher; journal: FakeJournal } {
  return { publisher: new FakePublisher(), journal: new FakeJournal() };
}
