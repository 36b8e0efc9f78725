import { RenewalError } from '../../domain/errors.ts';

/** Infisical's current path of the renewal, and the previous one. Most versions serve both. */
const today = '/api/v1/cert-manager/ca/internal/{caId}/renew';
const before = '/api/v1/pki/ca/{caId}/renew';

/** A path without query, fragment, `.` or `..` (which would lead to another endpoint), and without characters that need encoding. */
const plainPath = /^(?:\/(?!\.{1,2}(?:\/|$))(?:[\w.~-]|\{caId\})+)+$/;

/**
 * Returns the paths to try, in order: the next one if the API does not know the one before. `apiPath` is a path with `{caId}` in it, or the
 * part before `/{caId}/renew`. Throws InvalidRequest.
 */
export function renewalPaths(caId: string, apiPath: string | undefined): readonly string[] {
  if (caId === '' || caId === '.' || caId === '..') {
    throw new RenewalError('InvalidRequest', 'The caId of the profile is not the id of a CA in Infisical.');
  }
  const templates = apiPath === undefined ? [today, before] : [template(apiPath)];
  return templates.map((each) => each.replaceAll('{caId}', () => encodeURIComponent(caId)));
}

function template(apiPath: string): string {
  const whole = apiPath.includes('{caId}') ? apiPath : `${apiPath.replace(/\/$/, '')}/{caId}/renew`;
  if (apiPath.length > 1 && apiPath.length <= 500 && plainPath.test(whole)) return whole;
  throw new RenewalError(
    'InvalidRequest',
    `The apiPath of the profile is not a path with {caId} in it, such as ${before}.`,
  );
}
