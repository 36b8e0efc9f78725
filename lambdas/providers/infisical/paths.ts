import { RenewalError } from '../../domain/errors.ts';

/** Infisical's own name for it of today, and the one that it had before; both are still served by most. */
const today = '/api/v1/cert-manager/ca/internal/{caId}/renew';
const before = '/api/v1/pki/ca/{caId}/renew';

/** No query, no fragment, no `.` or `..` that would lead to another endpoint, and nothing that needs encoding. */
const plainPath = /^(?:\/(?!\.{1,2}(?:\/|$))(?:[\w.~-]|\{caId\})+)+$/;

/**
 * The paths to ask at, in order: the next one where the API does not know the one before. `apiPath` is a path with
 * `{caId}` in it, or what stands before `/{caId}/renew`. Throws InvalidRequest.
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
