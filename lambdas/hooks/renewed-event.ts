/** What a hook needs of the event `Certificate Renewed`. Whoever may put events on the bus can write one: it is checked. */
import { RenewalError } from '../domain/errors.ts';
import { type CommandParameters, commandParameters } from '../domain/hook.ts';

/** One hook of one profile; the deployment says which. */
export interface Hook<Type> {
  readonly profile: string;
  readonly type: Type;
}

const patterns = {
  secretArn: new RegExp(commandParameters.secretArn),
  versionId: new RegExp(commandParameters.versionId),
};

/**
 * Where the new pair is: the secret and its version; with `out` in the request these are out's. Throws InvalidRequest for
 * anything that is no event of this profile's renewal.
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
    `This is no event "Certificate Renewed" of the profile ${profile}: nothing was run. Hooks are started by the stack's own rules only.`,
  );
}

/** As far as they can be read, for a report. */
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

/** A member of what came as JSON; undefined where there is none. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}
