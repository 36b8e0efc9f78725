import { Problem } from './problems.ts';

/** Both ways to the same: Infisical's old path and its new one. API Gateway has a route for each (`routeKey`). */
const paths = [
  /^\/api\/v1\/pki\/ca\/([^/]+)\/renew$/,
  /^\/api\/v1\/cert-manager\/ca\/internal\/([^/]+)\/renew$/,
] as const;

/**
 * The caId of a call to one of the two routes, as it stands in the path. Nothing is decoded: names of authorities need
 * no encoding, and API Gateway, which has judged the path by then, has decoded what it decodes.
 *
 * Throws Problem 404.
 */
export function routedCaId(method: string, path: string): string {
  for (const pattern of paths) {
    const caId = method === 'POST' ? pattern.exec(path)?.[1] : undefined;
    if (caId !== undefined) return caId;
  }
  throw new Problem(404, 'There is no such route: a renewal is POST /api/v1/cert-manager/ca/internal/{caId}/renew.');
}
