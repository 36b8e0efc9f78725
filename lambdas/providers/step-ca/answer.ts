/** Reads step-ca's answers. They are not trusted: renewal/steps/5-verify.ts checks the certificates. */
import { RenewalError } from '../../domain/errors.ts';
import { mostPemBlocks, pemBlocks } from '../../domain/pem.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { jsonObject } from '../ca-answer.ts';

/** Whether an answer is a success. step-ca answers 201; 200 is accepted too. */
export const isSuccess = ({ status }: HttpsAnswer): boolean => status === 201 || status === 200;

/**
 * Returns the certificates of a successful /renew, /rekey or /sign as DER, leaf first: `certChain`, or `crt` and `ca` if the CA sends no
 * `certChain`. Throws CaRejected.
 */
export function issuedChain(answer: HttpsAnswer, host: string): Uint8Array[] {
  const fields = jsonObject(answer);
  if (fields === undefined) throw notTheCas(host, `is not JSON (status ${answer.status})`);
  const { certChain, crt, ca } = fields;
  if (Array.isArray(certChain) && certChain.length > mostPemBlocks)
    throw notTheCas(host, 'has a certChain that is too long');
  const texts = Array.isArray(certChain) && certChain.length > 0 ? certChain : [crt, ...(ca ? [ca] : [])];
  return texts.map((text: unknown, at) => oneCertificate(text, at === 0 ? 'certificate' : 'chain', host));
}

/** Returns `crts` of a successful /intermediates as DER. Throws CaRejected. */
export function listedCertificates(answer: HttpsAnswer, host: string): Uint8Array[] {
  const crts = isSuccess(answer) ? jsonObject(answer)?.['crts'] : undefined;
  if (!Array.isArray(crts)) throw notTheCas(host, `has no intermediates (status ${answer.status})`);
  return crts.map((text: unknown) => oneCertificate(text, 'list of intermediates', host));
}

function oneCertificate(text: unknown, where: string, host: string): Uint8Array {
  if (typeof text !== 'string') throw notTheCas(host, `has no ${where}`);
  const [block, ...more] = pemBlocks(text, `The ${where} that ${host} answered with`, 'CaRejected');
  if (block?.label !== 'CERTIFICATE' || more.length > 0) throw notTheCas(host, `has a ${where} that is not PEM`);
  return block.der;
}

function notTheCas(host: string, problem: string): RenewalError {
  return new RenewalError(
    'CaRejected',
    `The answer of ${host} ${problem}, so it is not step-ca's: check that the url of the profile leads to step-ca itself.`,
  );
}
