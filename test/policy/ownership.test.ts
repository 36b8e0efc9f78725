import { describe, expect, it } from 'vitest';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { checkOwnership } from '../../lambdas/policy/ownership.ts';
import { noon, secretWith } from './scenes.ts';

const rotatedElsewhere =
  'RotationEnabled Secrets Manager rotates this secret with another function. To have it renewed here, stop that with aws secretsmanager cancel-rotate-secret.';

describe('the owner of a secret', () => {
  it.each<[string, Partial<SecretSummary>, string | undefined]>([
    ['ours', {}, undefined],
    ['rotated by us', { rotation: { enabled: true, functionArn: 'ours' } }, undefined],
    [
      'being deleted',
      { deletedAt: noon },
      'SecretNotFound The secret is scheduled for deletion. To have it renewed, restore it with aws secretsmanager restore-secret.',
    ],
    [
      'a replica',
      { isReplica: true },
      'Replica The secret is a replica, which only its primary Region can write. A renewal of the primary secret updates it.',
    ],
    ['rotated by others', { rotation: { enabled: true, functionArn: 'other' } }, rotatedElsewhere],
    ['rotated by an unknown function', { rotation: { enabled: true } }, rotatedElsewhere],
    [
      'a service’s',
      { owningService: 'rds' },
      'ManagedByService The secret belongs to the AWS service rds. Only that service can change it.',
    ],
  ])('%s', (_, more, expected) => {
    const decision = checkOwnership({ secret: secretWith({}, more), rotationFunctionArn: 'ours' });
    expect(decision && `${decision.code} ${decision.message}`).toBe(expected);
    expect(decision?.action).toBe(decision && 'skip');
  });

  it.each([undefined, 'other'])('rotated, with our own ARN unknown: by %s', (functionArn) => {
    const rotation = { enabled: true, ...(functionArn !== undefined && { functionArn }) };
    expect(checkOwnership({ secret: secretWith({}, { rotation }) })?.code).toBe('RotationEnabled');
  });
});
