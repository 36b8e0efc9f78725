/** Secrets that cert-renewer must not write, regardless of their tags. */
import type { Decision } from '../domain/decision.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { type Check, firstOf, skip } from './check.ts';

export interface OwnershipInput {
  readonly secret: SecretSummary;
  /** ARN of the renew function. cert-renewer may write a secret that Secrets Manager rotates with this function. */
  readonly rotationFunctionArn?: string | undefined;
}

const ownershipChain: readonly Check<OwnershipInput>[] = [
  beingDeleted, // AWS accepts no new version
  replica, // only its primary Region may write it
  rotatedElsewhere, // two writers of one secret would overwrite each other
  ownedByService, // AWS refuses every other writer
];

/** Returns undefined if cert-renewer may write the secret. */
export function checkOwnership(input: OwnershipInput): Decision | undefined {
  return firstOf(ownershipChain, input);
}

/** In its recovery window. */
function beingDeleted({ secret }: OwnershipInput): Decision | undefined {
  if (secret.deletedAt === undefined) return undefined;
  return skip(
    'SecretNotFound',
    'The secret is scheduled for deletion. To have it renewed, restore it with aws secretsmanager restore-secret.',
  );
}

/** A replica of a secret in another Region. */
function replica({ secret }: OwnershipInput): Decision | undefined {
  if (!secret.isReplica) return undefined;
  return skip(
    'Replica',
    'The secret is a replica, which only its primary Region can write. A renewal of the primary secret updates it.',
  );
}

/** Rotated by a function that is not known to be the renew function. */
function rotatedElsewhere({ secret: { rotation }, rotationFunctionArn }: OwnershipInput): Decision | undefined {
  if (!rotation.enabled) return undefined;
  if (rotationFunctionArn !== undefined && rotation.functionArn === rotationFunctionArn) return undefined;
  return skip(
    'RotationEnabled',
    'Secrets Manager rotates this secret with another function. To have it renewed here, stop that with aws secretsmanager cancel-rotate-secret.',
  );
}

/** Owned by an AWS service, such as RDS. */
function ownedByService({ secret: { owningService } }: OwnershipInput): Decision | undefined {
  if (owningService === undefined) return undefined;
  return skip(
    'ManagedByService',
    `The secret belongs to the AWS service ${owningService}. Only that service can change it.`,
  );
}
