import { describe, expect, it } from 'vitest';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { checkOwnership } from '../../lambdas/policy/ownership.ts';
import { noon, secretWith } from './scenes.ts';

const rotatedElsewhere =
  'RotationEnabled Secrets Manager rotates this secret by another function. Switch that off (aws secretsmanager cancel-rotate-secret) to have it renewed here.';

describe('whose secret it is', () => {
  it.each<[string, Partial<SecretSummary>, string | undefined]>([
    ['ours', {}, undefined],
    ['rotated by us', { rotation: { enabled: true, functionArn: 'ours' } }, undefined],
    [
      'being deleted',
      { deletedAt: noon },
      'SecretNotFound The secret is scheduled for deletion. Restore it (aws secretsmanager restore-secret) to have it renewed.',
    ],
    [
      'a replica',
      { isReplica: true },
      'Replica The secret is a replica, which only its primary Region may write. It follows when the primary is renewed there.',
    ],
    ['rotated by others', { rotation: { enabled: true, functionArn: 'other' } }, rotatedElsewhere],
    ['rotated by a function that is not told', { rotation: { enabled: true } }, rotatedElsewhere],
    [
      'a service’s',
      { owningService: 'rds' },
      'ManagedByService The secret belongs to the AWS service rds, which alone may change it.',
    ],
  ])('%s', (_, more, expected) => {
    const decision = checkOwnership({ secret: secretWith({}, more), rotationFunctionArn: 'ours' });
    expect(decision && `${decision.code} ${decision.message}`).toBe(expected);
    expect(decision?.action).toBe(decision && 'skip');
  });

  it.each([undefined, 'other'])('rotated, where our own ARN is not known: by %s', (functionArn) => {
    const rotation = { enabled: true, ...(functionArn !== undefined && { functionArn }) };
    expect(checkOwnership({ secret: secretWith({}, { rotation }) })?.code).toBe('RotationEnabled');
  });
});
