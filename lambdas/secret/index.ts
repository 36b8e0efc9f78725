/** Reads secrets with a certificate and its key, in any shape of shapes.ts, and writes them back in the same shape. */
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
   * Returns the value to store, in the same shape. Unchanged parts keep their bytes: with the same leaf, chain and key the result is the
   * value that was read.
   *
   * Throws UnsupportedSecret if the shape has no field for the key, and InvalidCertificate.
   */
  write(next: NextContent): Promise<SecretValue>;
}

/**
 * Reads a secret. Of several certificates the leaf is the one for the private key; if there is none, the first. It does not check that
 * certificate and key belong together (KeyMismatch is decided later).
 *
 * Throws UnsupportedSecret (which says what was found and what was expected, never a value), PasswordRequired (for a missing or wrong
 * password) and InvalidCertificate.
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
