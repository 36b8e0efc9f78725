/**
 * A new key. step-ca wants the old one proved by TLS client authentication, within the old certificate's validity: an
 * expired certificate is renewed by token first, and what comes of it serves for the rekey alone.
 */
import type { KeyObject } from 'node:crypto';
import { RenewalError } from '../../domain/errors.ts';
import { encodePem } from '../../domain/pem.ts';
import type { Credential, IssuedChain, IssueOptions } from '../../domain/ports.ts';
import type { Signer } from '../../domain/signer.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import { createCsr } from '../../x509/csr.ts';
import { samePublicKey } from '../../x509/public-key.ts';
import type { Conversation, StepCaClient } from './client.ts';
import type { Asked } from './errors.ts';
import { clientObstacle } from './fitness.ts';
import { keyOf } from './key.ts';
import { advice, issue, presented, renewByToken } from './renew.ts';

/** Throws what CaProvider.rekey throws. */
export async function rekey(
  ca: StepCaClient,
  current: Credential,
  newKey: Signer,
  options: IssueOptions,
): Promise<IssuedChain> {
  const { leaf } = current;
  const oldKey = keyOf(current);
  const privateKey = tlsKeyFor(current);
  const csr = encodePem('CERTIFICATE REQUEST', await createCsr(newKey));
  const conversation = ca.converse(options.signal);
  const asked: Asked = { host: ca.host, leaf, now: options.now };
  const byTls = (certificates: readonly Uint8Array[]): Promise<IssuedChain> =>
    rekeyByTls(conversation, certificates, privateKey, csr, asked);
  const afterToken = async (): Promise<IssuedChain> =>
    byTls(await renewedForTls(ca, conversation, current, oldKey, asked));

  if (options.now > leaf.notAfter) return afterToken();
  return byTls(presented(current)).catch((error: unknown) => {
    // It expired on the way, or it has by the CA's clock.
    const atItsEnd = options.now > leaf.notAfter - 60_000;
    if (atItsEnd && error instanceof RenewalError && error.code === 'CertificateExpired') return afterToken();
    throw error;
  });
}

/** The key that proves itself by TLS. Throws InvalidRequest where this leaf with this key can't do that. */
export function tlsKeyFor(current: Pick<Credential, 'leaf' | 'key'>): KeyObject {
  const { privateKey } = keyOf(current);
  if (privateKey === undefined) throw keyInKms();
  const obstacle = clientObstacle(current.leaf);
  if (obstacle !== undefined) throw noClientAuth(obstacle);
  return privateKey;
}

function keyInKms(): RenewalError {
  return new RenewalError(
    'InvalidRequest',
    "The certificate's key is in KMS and never leaves it, but step-ca's rekey wants TLS client authentication with the old key: use the mode renew, which signs a token, or a profile of another kind of CA.",
  );
}

function noClientAuth(obstacle: string): RenewalError {
  return new RenewalError(
    'InvalidRequest',
    `The certificate can't be rekeyed at step-ca: ${obstacle}, so step-ca takes it neither by TLS nor by a token. ${advice}`,
  );
}

function rekeyByTls(
  conversation: Conversation,
  certificates: readonly Uint8Array[],
  key: KeyObject,
  csr: string,
  asked: Asked,
): Promise<IssuedChain> {
  const body = JSON.stringify({ csr });
  const headers = { 'content-type': 'application/json' };
  return issue(
    conversation,
    async () => ({ method: 'POST', path: '/rekey', headers, body, client: { certificates, key } }),
    asked,
  );
}

/** A certificate of now for the old key, as TLS presents it. Throws CertificateExpired where the CA gives none. */
async function renewedForTls(
  ca: StepCaClient,
  conversation: Conversation,
  current: Credential,
  oldKey: Signer,
  asked: Asked,
): Promise<readonly Uint8Array[]> {
  const { certificates } = await renewByToken(ca, conversation, current, oldKey, asked);
  if (certificates[0] !== undefined && holdsKey(certificates[0], oldKey)) return certificates;
  throw new RenewalError('CaRejected', `The CA at ${asked.host} renewed the certificate for another key than its own.`);
}

function holdsKey(der: Uint8Array, { spki }: Signer): boolean {
  try {
    return samePublicKey(parseCertificate(der).spki, spki);
  } catch {
    return false; // not a certificate
  }
}
