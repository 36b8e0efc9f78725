import { Problem } from './problems.ts';

/** Infisical's previous and current path of the renewal. API Gateway has a route for each (`routeKey`). */
const paths = [
  /^\/api\/v1\/pki\/ca\/([^/]+)\/renew$/,
  /^\/api\/v1\/cert-manager\/ca\/internal\/([^/]+)\/renew$/,
] as const;

/**
 * Returns the caId of a call to one of the two routes. It is not decoded: names of authorities need no encoding, and API Gateway has
 * decoded the path already.
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
