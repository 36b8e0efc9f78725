/** The parameter name and the hash of a declaration. Separate from declaration.ts, because few invocations need to parse one. */
import { createHash } from 'node:crypto';
import type { Declaration } from '../domain/declaration.ts';
import { formatKeySpec } from '../domain/key-spec.ts';
import type { Profile } from '../domain/profile.ts';

/** Returns the name of a declaration's SSM parameter below its prefix: the secret's name if SSM allows it, else its hash. */
export function parameterNameOf(name: string): string {
  const isTaken = /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+){0,9}$/.test(name) && !name.startsWith(hashed);
  return isTaken ? name : `${hashed}${createHash('sha256').update(name).digest('hex')}`;
}

const hashed = 'sha256/';

/**
 * Returns a hash of the certificate's content, 32 hex digits. Another hash means another certificate. `ca` is the identity of the
 * profile's CA.
 */
export function declarationHash(
  declaration: Declaration,
  profile: Pick<Profile, 'key' | 'issue'>,
  ca: readonly unknown[],
): string {
  const { names: declared, subject, usages, kmsKeyId } = declaration;
  const key = declaration.key ?? profile.key;
  const content = [
    [...declared].sort(),
    subject === undefined ? null : Buffer.from(subject).toString('hex'),
    [...usages].sort(),
    declaration.duration ?? profile.issue?.duration ?? null,
    kmsKeyId ?? (key ? formatKeySpec(key) : null),
    ca,
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32);
}
