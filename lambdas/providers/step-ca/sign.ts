/** POST /1.0/sign: issues a declared certificate with a one-time token, signed by a JWK provisioner's key. */
import { formatDuration } from '../../domain/duration.ts';
import type { Instant } from '../../domain/instant.ts';
import { encodePem } from '../../domain/pem.ts';
import type { Entropy, IssuedChain } from '../../domain/ports.ts';
import type { Signer } from '../../domain/signer.ts';
import type { DeclaredContent } from '../../domain/wanted.ts';
import { toCaError } from '../../net/transport-error.ts';
import { createNamedCsr } from '../../x509/named-csr.ts';
import { jwkThumbprint } from '../jws.ts';
import { isSuccess, issuedChain } from './answer.ts';
import type { Call, StepCaClient } from './client.ts';
import { oneTimeToken } from './one-time-token.ts';
import { type KeySources, type Provisioner, provisionerKey } from './provisioner-key.ts';
import { signRefusal } from './sign-errors.ts';

export interface Signing {
  readonly ca: StepCaClient;
  readonly provisioner: Provisioner;
  readonly content: DeclaredContent;
  /** The key to certify. */
  readonly key: Signer;
  readonly sources: KeySources;
  readonly now: Instant;
  /** The source of the tokens' ids. */
  readonly entropy: Entropy;
  readonly signal: AbortSignal | undefined;
}

/** DER of the Name without attributes. */
const noSubject = Uint8Array.of(0x30, 0x00);

/**
 * Issues a declared certificate. The CSR contains the whole subject: step-ca's default template keeps only the common name, another one may
 * keep more. Throws what CaProvider.ask throws, and UnsupportedSecret and PasswordRequired for the provisioner's key.
 */
export async function signDeclared(signing: Signing): Promise<IssuedChain> {
  const { ca, provisioner, content, key, sources, now, entropy } = signing;
  const { host, signAudience: audience } = ca;
  const own = await provisionerKey(provisioner, sources);
  const csr = await createNamedCsr(key, { subject: content.subject ?? noSubject, names: content.names });
  const request = { issuer: provisioner.name, audience, content, csr, now, entropy };
  const call = async (): Promise<Call> => {
    const body = {
      csr: encodePem('CERTIFICATE REQUEST', csr),
      ott: await oneTimeToken(request, own),
      // A duration, which the CA counts from its own clock. With an instant, a clock that is a second ahead of the CA's would exceed the
      // longest allowed duration. Without `notAfter` the CA uses the provisioner's default.
      notAfter: content.duration && formatDuration(content.duration),
    };
    const headers = { 'content-type': 'application/json' };
    return { method: 'POST', path: ca.signPath, headers, body: JSON.stringify(body) };
  };
  const answer = await ca
    .converse(signing.signal)
    .send(call)
    .catch((error: unknown) => {
      throw toCaError(error);
    });
  if (isSuccess(answer)) return { certificates: issuedChain(answer, host) };
  const kid = own.kid === jwkThumbprint(own.signer.spki) ? own.kid : undefined;
  throw signRefusal(answer, { host, now, provisioner: provisioner.name, kid });
}
