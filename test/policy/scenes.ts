/** Shared by the tests of the rules: a secret with a day's certificate, and a profile without settings. */

import { formatInstant, type Instant } from '../../lambdas/domain/instant.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';

export const hour = 3_600_000;
export const noon: Instant = Date.UTC(2026, 10, 22, 12);
export const arn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:web/tls-AbCdEf';

export const internal: Profile = {
  name: 'internal',
  ca: { type: 'step-ca', url: 'https://ca.example:9000', root: 'PEM' },
  mode: 'rekey',
  paused: false,
};

export function secretWith(
  extra: Readonly<Record<string, string>> = {},
  more: Partial<SecretSummary> = {},
): SecretSummary {
  return {
    arn,
    name: 'web/tls',
    tags: new Map([[tags.profile, 'internal'], ...Object.entries(extra)]),
    versions: new Map([['v1', ['AWSCURRENT']]]),
    currentVersionId: 'v1',
    isReplica: false,
    rotation: { enabled: false },
    ...more,
  };
}

/** Returns the status tags of the certificate in v1. */
export function statusTags(notBefore: Instant, notAfter: Instant, failure?: string): Record<string, string> {
  return {
    [tags.versionId]: 'v1',
    [tags.notBefore]: formatInstant(notBefore),
    [tags.notAfter]: formatInstant(notAfter),
    ...(failure !== undefined && { [tags.failure]: failure }),
  };
}
