/**
 * A secret with a declaration may have no usable certificate: it is empty, or its key does not match. This file detects that, and
 * makes the first value.
 */
import { type ErrorCode, RenewalError } from '../domain/errors.ts';
import type { SecretContent } from '../secret/index.ts';
import { passwordIn } from '../secret/password.ts';
import { isPlaceholder } from '../secret/placeholder.ts';
import { type Pair, readContent, readPair } from './pair.ts';
import { readingOf, type Vacancy } from './place.ts';
import type { RenewalWorld } from './world.ts';

type Declared = Omit<Vacancy, 'roots' | 'write' | 'leaf' | 'content'>;

/** The fields of a vacancy that differ from those of a pair. */
type Vacant = Pick<Vacancy, 'declared' | 'leaf' | 'content' | 'write'>;

/**
 * Reads the pair, or returns a vacancy. `force` treats a value that is not a certificate as empty. Throws the errors of readPair.
 */
export async function pairOrVacancy(world: RenewalWorld, read: Declared, force: boolean): Promise<Pair | Vacant> {
  const { declared, version } = read;
  const reading = readingOf(read);
  const vacant = (content: SecretContent | undefined): Vacant => ({
    ...{ declared, content, leaf: undefined },
    write: content ? (next) => content.write(next) : newValue(world, read),
  });
  if (isPlaceholder(version.value)) return vacant(undefined);
  try {
    return await readPair(world, reading, version);
  } catch (error) {
    if (!(error instanceof RenewalError)) throw error;
    if (error.code === 'KeyMismatch') return vacant(await readContent(world, reading, version.value));
    if (force && isNoCertificate.has(error.code)) return vacant(undefined);
    throw error;
  }
}

const isNoCertificate: ReadonlySet<ErrorCode> = new Set(['UnsupportedSecret', 'InvalidCertificate']);

/** Makes a value in the declared shape. In a profile with a password the new key is encrypted. */
function newValue({ store, entropy }: RenewalWorld, { profile, declared }: Declared): Vacancy['write'] {
  return async ({ key, ...certificates }) => {
    if (key === undefined) throw new RenewalError('Internal', 'There is no key to store. Report it with the log.');
    const { renderNew } = await import('../secret/new-secret.ts');
    const password = passwordIn(store, profile.passwordSecretId);
    return renderNew(declared.declaration.shape, { ...certificates, key }, { entropy, password });
  };
}
