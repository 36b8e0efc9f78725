/** Secrets that hold a certificate and its key: read from any shape of shapes.ts, written back in the same one. */
import { RenewalError } from '../domain/errors.ts';
import type { SecretValue } from '../domain/secret.ts';
import { describeDocument, openValue } from './document.ts';
import { type NextContent, type ReadOptions, readContext, type ShapeContent } from './shape.ts';
import { expectedShapes, type ShapeName, shapes } from './shapes.ts';

export type { KeyContent, NextContent, ReadOptions } from './shape.ts';
export type { ShapeName } from './shapes.ts';

export interface SecretContent extends Omit<ShapeContent, 'write'> {
  readonly shape: ShapeName;
  /**
   * The value to store: the same shape, the same text but for what had to change. What did not change keeps its very
   * bytes: with the leaf, chain and key that were read it is the value that was read.
   *
   * Throws UnsupportedSecret where the shape has no place for the key, and InvalidCertificate.
   */
  write(next: NextContent): Promise<SecretValue>;
}

/**
 * Whether the certificate is the key's is not asked here (KeyMismatch is decided later); which of several certificates
 * is the leaf is: the one whose public key is the private key's, else the first.
 *
 * Throws UnsupportedSecret (naming what was found and what was expected, never a value), PasswordRequired (none given,
 * or one that does not open it) and InvalidCertificate.
 */
export async function readSecret(value: SecretValue, options: ReadOptions = {}): Promise<SecretContent> {
  const { document, close } = openValue(value, expectedShapes);
  const recognised = shapes.flatMap((shape) => {
    const read = shape.recognise(document);
    return read === undefined ? [] : [{ shape, read }];
  });
  const [only] = recognised;
  if (only === undefined) {
    throw new RenewalError('UnsupportedSecret', `${describeDocument(document)}: expected ${expectedShapes}.`);
  }
  if (recognised.length > 1) {
    const names = recognised.map(({ shape }) => shape.expected).join(', and of ');
    throw new RenewalError(
      'UnsupportedSecret',
      `${describeDocument(document)} has fields of ${names}: expected one of these shapes.`,
    );
  }
  const { write, ...content } = await only.read(readContext(options));
  return { ...content, shape: only.shape.name, write: async (next) => close(await write(next)) };
}
