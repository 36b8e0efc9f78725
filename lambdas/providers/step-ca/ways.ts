/**
 * Chooses the way to renew or rekey. A renewal uses a token: one call on a kept connection, five times as many per second as with TLS
 * client authentication, and also possible with a key in KMS and after notAfter. If the CA would reject the token, it uses TLS. A rekey
 * uses TLS, during the old certificate's validity: an expired certificate is first renewed by token, only for the rekey.
 */
import { RenewalError } from '../../domain/errors.ts';
import { encodePem } from '../../domain/pem.ts';
import type { IssuedChain } from '../../domain/ports.ts';
import type { Signer } from '../../domain/signer.ts';
import { parseCertificate } from '../../x509/certificate.ts';
import { createCsr } from '../../x509/csr.ts';
import { samePublicKey } from '../../x509/public-key.ts';
import { rekeyByTls, renewByTls } from './by-tls.ts';
import { renewByToken } from './by-token.ts';
import { Refusal } from './errors.ts';
import { type Asking, begin, type Exchange, presented } from './exchange.ts';
import { clientObstacle, tlsKeyFor, tokenObstacle } from './fitness.ts';

/** Throws what CaProvider.ask throws. */
export async function renew(asking: Asking): Promise<IssuedChain> {
  const exchange = begin(asking);
  const { current, key, asked } = exchange;
  const { leaf } = current;
  const { privateKey } = key;
  if (privateKey === undefined || asked.now > leaf.notAfter || clientObstacle(leaf) !== undefined) {
    return renewByToken(exchange);
  }
  if (tokenObstacle(leaf) !== undefined) return renewByTls(exchange, privateKey);
  try {
    return await renewByToken(exchange);
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused;
    // Some certificates can only be renewed by TLS: one that outlives its intermediate, or one of a CA behind another host's name.
    return renewByTls(exchange, privateKey).catch((error: unknown) => {
      throw error instanceof RenewalError && error.retryable ? error : refused;
    });
  }
}

/** Throws what CaProvider.ask throws. */
export async function rekey(asking: Asking, newKey: Signer): Promise<IssuedChain> {
  const { current, now } = asking;
  const { leaf } = current;
  const key = tlsKeyFor(current);
  const csr = encodePem('CERTIFICATE REQUEST', await createCsr(newKey));
  const exchange = begin(asking);
  const byTls = (certificates: readonly Uint8Array[]) => rekeyByTls(exchange, { certificates, key, csr });
  const afterToken = async (): Promise<IssuedChain> => byTls(await renewedForTls(exchange));

  if (now > leaf.notAfter) return afterToken();
  return byTls(presented(current)).catch((error: unknown) => {
    // It expired meanwhile, or by the CA's clock.
    const atItsEnd = now > leaf.notAfter - 60_000;
    if (atItsEnd && error instanceof RenewalError && error.code === 'CertificateExpired') return afterToken();
    throw error;
  });
}

/** Returns a renewed certificate for the old key, for TLS. Throws CertificateExpired if the CA does not renew it. */
async function renewedForTls(exchange: Exchange): Promise<readonly Uint8Array[]> {
  const { certificates } = await renewByToken(exchange);
  if (certificates[0] !== undefined && holdsKey(certificates[0], exchange.key)) return certificates;
  const { host } = exchange.asked;
  throw new RenewalError('CaRejected', `The CA at ${host} renewed the certificate for another key.`);
}

function holdsKey(der: Uint8Array, { spki }: Signer): boolean {
  try {
    return samePublicKey(parseCertificate(der).spki, spki);
  } catch {
    return false; // not a certificate
  }
}
