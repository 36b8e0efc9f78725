/** Signed requests (RFC 8555 section 6.2): JWS by the account's key, each with a fresh nonce. */
import { RenewalError } from '../../domain/errors.ts';
import type { Signer } from '../../domain/signer.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { jwsAlgorithm } from '../../x509/algorithms.ts';
import { base64url, jwsSignature, type PublicJwk } from '../jws.ts';
import { directoryOf } from './directory.ts';
import { type Exchange, fetchOpen, send, successOf, userAgent } from './exchange.ts';
import { Problem } from './problems.ts';

/** How a request names its account's key (RFC 8555 section 6.2). */
export type KeyName = { readonly kid: string } | { readonly jwk: PublicJwk };

export interface SignedRequest {
  readonly url: URL;
  /** Undefined: POST-as-GET (section 6.3). */
  readonly payload?: Readonly<Record<string, unknown>> | undefined;
  readonly accept?: string | undefined;
  /** Texts of the payload that no error repeats. */
  readonly secrets?: readonly string[] | undefined;
}

/** A good nonce may be refused. More refusals than this in a row have another reason. */
const mostTries = 10;

/** Sends a signed request, again after badNonce. Returns an answer of success. Throws Problem, and what the signer throws. */
export async function postSigned(
  exchange: Exchange,
  request: SignedRequest,
  signer: Signer,
  name: KeyName,
): Promise<HttpsAnswer> {
  const { url, payload, accept, secrets } = request;
  const accepts = accept === undefined ? {} : { accept };
  const headers = { ...userAgent, ...accepts, 'content-type': 'application/jose+json' };
  for (let tries = 1; ; tries++) {
    const answer = await send(exchange, async () => {
      const header = { alg: jwsAlgorithm(signer.keySpec), nonce: await nonceFor(exchange), url: url.href, ...name };
      const body = await signedJson(header, payload, signer);
      return { method: 'POST', url, headers, body };
    });
    try {
      return successOf(exchange, answer, secrets);
    } catch (error) {
      if (!(error instanceof Problem && error.type === 'badNonce')) throw error;
      // Not an answer to this request, so it must not end an order.
      if (tries === mostTries)
        throw new RenewalError('CaUnavailable', `${error.message} ${mostTries} nonces were refused.`);
    }
  }
}

/** Returns a JWS in flattened JSON (RFC 7515 section 7.2.2). */
async function signedJson(header: object, payload: object | undefined, signer: Signer): Promise<string> {
  const parts = {
    protected: base64url(JSON.stringify(header)),
    payload: payload === undefined ? '' : base64url(JSON.stringify(payload)),
  };
  const signature = await jwsSignature(`${parts.protected}.${parts.payload}`, signer);
  return JSON.stringify({ ...parts, signature });
}

async function nonceFor(exchange: Exchange): Promise<string> {
  const { ca, host } = exchange;
  const known = ca.nonces.take();
  if (known !== undefined) return known;
  const { newNonce } = await directoryOf(exchange);
  await fetchOpen(exchange, newNonce, 'HEAD');
  const fresh = ca.nonces.take();
  if (fresh !== undefined) return fresh;
  throw new RenewalError('CaUnavailable', `The CA at ${host} gave no nonce (RFC 8555 section 7.2).`);
}
