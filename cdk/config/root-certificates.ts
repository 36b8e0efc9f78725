/** The root of a profile: a PEM file beside the configuration, or PEM text. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { encodePem, type PemBlock, pemBlocks } from '../../lambdas/domain/pem.ts';
import { beginsLikeDer, tellBlock } from '../../lambdas/domain/pem-unread.ts';
import { certificateFields } from '../../lambdas/x509/certificate.ts';

/**
 * PEM of the root certificates and of nothing else, as it is deployed. Throws an Error whose message, an end of a
 * sentence, says what is wrong; it never quotes what was read, which may be a key that got into the wrong file.
 */
export function readRoot(root: string, baseDirectory: string): string {
  const isText = root.includes('-----BEGIN ');
  const text = isText ? root : readPemFile(root, baseDirectory);
  const where = isText ? 'the PEM text' : `the file ${root}`;
  const blocks = pemBlocksOf(text, where);
  if (blocks.length === 0) throw new Error(`${where} holds no certificate; expected PEM, BEGIN CERTIFICATE`);
  return blocks
    .map(({ label, der }, index) => {
      if (!rootLabels.has(label)) {
        throw new Error(
          `${where} holds a block ${tellBlock(label).slice('BEGIN '.length)}; expected certificates (BEGIN CERTIFICATE) and nothing else`,
        );
      }
      checkRoot(der, `certificate ${index + 1} of ${where}`);
      return `${encodePem('CERTIFICATE', der)}\n`;
    })
    .join('');
}

/** The second is what OpenSSL wrote before its 0.9; OpenSSL and node read both. */
const rootLabels: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE']);

function readPemFile(file: string, baseDirectory: string): string {
  const bytes = readBytes(file, baseDirectory);
  if (beginsLikeDer(bytes)) {
    throw new Error(
      `the file ${file} is DER; expected PEM, which of a certificate this makes: openssl x509 -inform der -in ${file} -out root_ca.pem`,
    );
  }
  return decode(bytes);
}

/** By its byte order mark, as some editors and shells of Windows write it; PEM itself is ASCII. */
function decode(bytes: Buffer): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return first === 0xef ? new TextDecoder().decode(bytes) : bytes.toString('latin1');
}

function readBytes(file: string, baseDirectory: string): Buffer {
  try {
    return readFileSync(isAbsolute(file) ? file : join(baseDirectory, file));
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
    throw new Error(
      `the file ${file} can't be read (${code}); expected a PEM file beside the configuration, or PEM text`,
    );
  }
}

function pemBlocksOf(text: string, where: string): PemBlock[] {
  try {
    return pemBlocks(text, where);
  } catch (thrown) {
    throw new Error(thrown instanceof Error ? thrown.message.replace(/\.$/, '') : `${where} is not PEM`);
  }
}

function checkRoot(der: Uint8Array, what: string): void {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch {
    throw new Error(`${what} does not parse; expected an X.509 certificate`);
  }
  if (!certificate.ca && !isFirstVersionRoot(certificate)) {
    throw new Error(`${what} is not a CA's; expected the CA's root (with step-ca: step ca root root_ca.crt)`);
  }
}

/** A version 1 root has no extensions, so nothing says that it is a CA but its own signature and being trusted. */
function isFirstVersionRoot(certificate: X509Certificate): boolean {
  try {
    return certificateFields(certificate.raw).version === 1 && certificate.verify(certificate.publicKey);
  } catch {
    return false;
  }
}
