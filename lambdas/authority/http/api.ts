/**
 * The HTTP API that renews the stack's own authorities, as Infisical describes it (docs/ca-api.md). Errors are checked in this order:
 * route, credentials, JSON, schema, authority, permission, rules.
 */
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import { encodePem } from '../../domain/pem.ts';
import type { Clock, Journal, Store } from '../../domain/ports.ts';
import { parseBody } from './body.ts';
import { type CaRenewal, CaRenewalRefused, type RenewedCa } from './port.ts';
import { Problem, type ProblemBody, somethingWentWrong } from './problems.ts';
import { routedCaId } from './routes.ts';
import { bearerToken, parseTokens, permittedAuthorities } from './tokens.ts';

export interface CaApi {
  readonly renewal: CaRenewal;
  readonly auth: ApiAuth;
  readonly store: Pick<Store, 'read'>;
  readonly clock: Clock;
  readonly journal: Pick<Journal, 'failure'>;
}

/** `iam`: API Gateway has checked the caller. `bearer`: the secret lists the tokens and their authorities. */
export type ApiAuth = { readonly kind: 'iam' } | { readonly kind: 'bearer'; readonly tokenSecretId: string };

export interface ApiRequest {
  readonly id: string;
  readonly method: string;
  /** Path without stage and query. */
  readonly path: string;
  /** Whether API Gateway knew the route, and so has checked the caller with `auth` `iam`. */
  readonly isRouted: boolean;
  readonly authorization: string | undefined;
  readonly body: Uint8Array;
}

export type ApiAnswer =
  | { readonly status: 200; readonly body: RenewalBody }
  | { readonly status: number; readonly body: ProblemBody };

/** Both are PEM. The chain contains the parents, including the root; it is empty for a root. */
export interface RenewalBody {
  readonly certificate: string;
  readonly certificateChain: string;
  /** Lowercase hex. */
  readonly serialNumber: string;
}

/** Answers a request. Never throws. */
export async function answer(api: CaApi, request: ApiRequest): Promise<ApiAnswer> {
  try {
    return { status: 200, body: renewalBody(await renewed(api, request)) };
  } catch (thrown) {
    const problem = asProblem(thrown);
    logged(api, request, problem, thrown);
    return { status: problem.status, body: problem.body(request.id) };
  }
}

async function renewed(api: CaApi, request: ApiRequest): Promise<RenewedCa> {
  const caId = routedCaId(request.method, request.path);
  const mayRenew = await permissions(api, request);
  const { notAfter } = parseBody(request.body);
  if (!api.renewal.names.includes(caId))
    throw new Problem(404, 'This stack has no certificate authority with that caId.');
  if (!mayRenew(caId)) {
    throw new Problem(403, `The token may not renew the certificate authority ${caId}.`, {
      details: [{ action: 'renew', subject: 'certificate-authority', caId }],
    });
  }
  return renewedInTheEnd(api, caId, notAfter);
}

/** Returns a function that tells which authorities the caller may renew. Throws Problem 401, and 404 if nobody has checked the caller. */
async function permissions(api: CaApi, request: ApiRequest): Promise<(caId: string) => boolean> {
  const { auth } = api;
  if (auth.kind === 'iam') {
    // A path that matches only after decoding came by the open $default route.
    if (!request.isRouted) throw new Problem(404, 'There is no such route.');
    return () => true;
  }
  const token = bearerToken(request.authorization);
  const refused = new Problem(401, 'A valid token is required: Authorization: Bearer <token>.');
  if (token === undefined) throw refused;
  // Read for each call, so that a removed token is invalid at once.
  const { value } = await api.store.read(auth.tokenSecretId);
  const permitted = permittedAuthorities(token, parseTokens(value), api.clock.now());
  if (permitted === undefined) throw refused;
  return (caId) => permitted.has(caId);
}

/** Tries. More writers than this are not a race. */
const rounds = 5;

/** Renews, and decides again after a lost swap: another writer's version may leave nothing to do. */
async function renewedInTheEnd({ renewal, clock }: CaApi, caId: string, notAfter: Instant): Promise<RenewedCa> {
  for (let round = 1; round <= rounds; round++) {
    try {
      return await renewal.renewCa(caId, notAfter);
    } catch (error) {
      if (!(error instanceof RenewalError) || error.code !== 'SecretChanged') throw error;
    }
    if (round < rounds) await clock.sleep(50 * 2 ** round);
  }
  throw new CaRenewalRefused(
    'Busy',
    `Other writers replace the certificate of ${caId} again and again: try again later.`,
  );
}

function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof CaRenewalRefused) return new Problem(400, thrown.message);
  return somethingWentWrong();
}

/** Logs internal errors and rejected callers, but not the other errors, which concern only the caller. */
function logged({ journal }: CaApi, request: ApiRequest, { status, message }: Problem, thrown: unknown): void {
  const fields = { secretArn: null, reqId: request.id, status };
  if (status === 500) journal.failure({ ...fields, error: thrown });
  if (status === 403 || (status === 401 && request.authorization !== undefined)) {
    journal.failure({ ...fields, error: new RenewalError('AccessDenied', `The API rejected a caller. ${message}`) });
  }
}

function renewalBody({ certificate, parents }: RenewedCa): RenewalBody {
  const pem = ({ der }: { readonly der: Uint8Array }): string => encodePem('CERTIFICATE', der);
  return {
    certificate: pem(certificate),
    certificateChain: parents.map(pem).join('\n'),
    serialNumber: certificate.serialNumber,
  };
}
