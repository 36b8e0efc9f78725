/** Reads the event `Certificate Renewed` for a hook. Any principal with access to the bus can send one, so it is validated. */
import { RenewalError } from '../domain/errors.ts';
import { type CommandParameters, commandParameters } from '../domain/hook.ts';

/** One hook of one profile, from the deployed configuration. */
export interface Hook<Type> {
  readonly profile: string;
  readonly type: Type;
}

const patterns = {
  secretArn: new RegExp(commandParameters.secretArn),
  versionId: new RegExp(commandParameters.versionId),
};

/**
 * Returns the secret and the version of the new pair. For a request with `out` these are the ones of `out`. Throws InvalidRequest
 * for any event that is not a renewal event of this profile.
 */
export function renewedSecret(event: unknown, profile: string): CommandParameters {
  const detail = field(event, 'detail');
  const isOurs =
    field(event, 'source') === 'cert-renewer' &&
    field(event, 'detail-type') === 'Certificate Renewed' &&
    field(detail, 'profile') === profile;
  const place = field(detail, 'out') ?? detail;
  const secretArn = field(place, 'secretArn');
  const versionId = field(place, 'versionId');
  if (isOurs && isText(secretArn, patterns.secretArn) && isText(versionId, patterns.versionId)) {
    return { secretArn, versionId };
  }
  throw new RenewalError(
    'InvalidRequest',
    `This is not an event "Certificate Renewed" of the profile ${profile}, so the hook did not run. Only the stack's own rules may start hooks.`,
  );
}

/** Returns secret and version for a report, null if they are not valid. */
export function claimedSecret(event: unknown): { secretArn: string | null; versionId: string | null } {
  const detail = field(event, 'detail');
  const place = field(detail, 'out') ?? detail;
  const secretArn = field(place, 'secretArn');
  const versionId = field(place, 'versionId');
  return {
    secretArn: isText(secretArn, patterns.secretArn) ? secretArn : null,
    versionId: isText(versionId, patterns.versionId) ? versionId : null,
  };
}

/** Returns the secret's name. An ARN ends with the name, a hyphen and six characters. */
export function secretName(secretArn: string): string {
  return secretArn
    .split(':')
    .slice(6)
    .join(':')
    .replace(/-[A-Za-z0-9]{6}$/, '');
}

/** Returns a field of a JSON value, or undefined. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

/** Returns a field if it is a text. */
export function textOf(value: unknown, name: string): string | undefined {
  const found = field(value, name);
  return typeof found === 'string' ? found : undefined;
}

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}
