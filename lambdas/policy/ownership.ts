/** Secrets that are not ours to write, whatever their tags say. */
import type { Decision } from '../domain/decision.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { type Check, firstOf, skip } from './check.ts';

export interface OwnershipInput {
  readonly secret: SecretSummary;
  /** The renew function's own ARN: a secret that Secrets Manager rotates by it is ours to write. */
  readonly rotationFunctionArn?: string | undefined;
}

const ownershipChain: readonly Check<OwnershipInput>[] = [
  beingDeleted, // a deleted secret takes no new version
  replica, // it follows its primary Region
  rotatedElsewhere, // two that write one secret undo each other's work
  ownedByService, // AWS refuses every other writer
];

/** Undefined: the secret may be written. */
export function checkOwnership(input: OwnershipInput): Decision | undefined {
  return firstOf(ownershipChain, input);
}

/** In its recovery window. */
function beingDeleted({ secret }: OwnershipInput): Decision | undefined {
  if (secret.deletedAt === undefined) return undefined;
  return skip(
    'SecretNotFound',
    'The secret is scheduled for deletion. Restore it (aws secretsmanager restore-secret) to have it renewed.',
  );
}

/** A copy that another Region writes. */
function replica({ secret }: OwnershipInput): Decision | undefined {
  if (!secret.isReplica) return undefined;
  return skip(
    'Replica',
    'The secret is a replica, which only its primary Region may write. It follows when the primary is renewed there.',
  );
}

/** By a function that is not ours, or not known to be ours. */
function rotatedElsewhere({ secret: { rotation }, rotationFunctionArn }: OwnershipInput): Decision | undefined {
  if (!rotation.enabled) return undefined;
  if (rotationFunctionArn !== undefined && rotation.functionArn === rotationFunctionArn) return undefined;
  return skip(
    'RotationEnabled',
    'Secrets Manager rotates this secret by another function. Switch that off (aws secretsmanager cancel-rotate-secret) to have it renewed here.',
  );
}

/** Made by an AWS service for itself, as RDS does. */
function ownedByService({ secret: { owningService } }: OwnershipInput): Decision | undefined {
  if (owningService === undefined) return undefined;
  return skip('ManagedByService', `The secret belongs to the AWS service ${owningService}, which alone may change it.`);
}
