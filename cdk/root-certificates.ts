/** The root of a profile: a PEM file beside the configuration, or PEM text. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { encodePem, pemBlocks } from '../lambdas/domain/pem.ts';

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
      if (label !== 'CERTIFICATE') {
        throw new Error(
          `${where} holds a block ${label.slice(0, 40)}; expected certificates (BEGIN CERTIFICATE) and nothing else`,
        );
      }
      checkRoot(der, `certificate ${index + 1} of ${where}`);
      return `${encodePem(label, der)}\n`;
    })
    .join('');
}

function readPemFile(file: string, baseDirectory: string): string {
  try {
    return readFileSync(isAbsolute(file) ? file : join(baseDirectory, file), 'latin1');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
    throw new Error(
      `the file ${file} can't be read (${code}); expected a PEM file beside the configuration, or PEM text`,
    );
  }
}

function pemBlocksOf(text: string, where: string): ReturnType<typeof pemBlocks> {
  try {
    return pemBlocks(text, where);
  } catch (thrown) {
    throw new Error(thrown instanceof Error ? thrown.message : `${where} is not PEM`);
  }
}

function checkRoot(der: Uint8Array, what: string): void {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch {
    throw new Error(`${what} does not parse; expected an X.509 certificate`);
  }
  if (!certificate.ca) {
    throw new Error(`${what} is not a CA's; expected the CA's root (with step-ca: step ca root root_ca.crt)`);
  }
}
