/** Reads the root certificates of a profile: a PEM file, relative to the configuration, or PEM text. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { encodePem, type PemBlock, pemBlocks } from '../../lambdas/domain/pem.ts';
import { beginsLikeDer, tellBlock } from '../../lambdas/domain/pem-unread.ts';
import { certificateFields } from '../../lambdas/x509/certificate.ts';

/**
 * Returns the PEM text of the root certificates, and of nothing else. Throws an Error. Its message never quotes the file, which may be a
 * private key by mistake.
 */
export function readRoot(root: string, baseDirectory: string): string {
  const isText = root.includes('-----BEGIN ');
  const text = isText ? root : readPemFile(root, baseDirectory);
  const where = isText ? 'the PEM text' : `the file ${root}`;
  const blocks = pemBlocksOf(text, where);
  if (blocks.length === 0) throw new Error(`${where} contains no certificate; expected PEM, BEGIN CERTIFICATE`);
  return blocks
    .map(({ label, der }, index) => {
      if (!rootLabels.has(label)) {
        throw new Error(
          `${where} contains a block ${tellBlock(label).slice('BEGIN '.length)}; expected certificates (BEGIN CERTIFICATE) and nothing else`,
        );
      }
      checkRoot(der, `certificate ${index + 1} of ${where}`);
      return `${encodePem('CERTIFICATE', der)}\n`;
    })
    .join('');
}

/** OpenSSL before 0.9 wrote the second label. OpenSSL and Node read both. */
const rootLabels: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE']);

function readPemFile(file: string, baseDirectory: string): string {
  const bytes = readBytes(file, baseDirectory);
  if (beginsLikeDer(bytes)) {
    throw new Error(
      `the file ${file} is DER; expected PEM. To convert it: openssl x509 -inform der -in ${file} -out root_ca.pem`,
    );
  }
  return decode(bytes);
}

/** Decodes by the byte order mark, which some editors and shells on Windows write. PEM itself is ASCII. */
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
    throw new Error(
      `${what} is not a CA certificate; expected the root of the CA (with step-ca: step ca root root_ca.crt)`,
    );
  }
}

/** A version 1 root has no extensions, so its own signature is the only sign of a CA. */
function isFirstVersionRoot(certificate: X509Certificate): boolean {
  try {
    return certificateFields(certificate.raw).version === 1 && certificate.verify(certificate.publicKey);
  } catch {
    return false;
  }
}
