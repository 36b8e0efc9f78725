/** What a declaration is known by: the name of its parameter, and a hash. Apart from what reads one, which few invocations need. */
import { createHash } from 'node:crypto';
import type { Declaration } from '../domain/declaration.ts';
import { formatKeySpec } from '../domain/key-spec.ts';
import type { Profile } from '../domain/profile.ts';

/** Where each declaration's parameter is named in SSM below its prefix: the secret's name, where SSM takes it, else its hash. */
export function parameterNameOf(name: string): string {
  const isTaken = /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+){0,9}$/.test(name) && !name.startsWith(hashed);
  return isTaken ? name : `${hashed}${createHash('sha256').update(name).digest('hex')}`;
}

const hashed = 'sha256/';

/**
 * A hash of what the certificate is made of: another one means another certificate. `ca`: what tells the profile's CA from
 * others. 32 hex digits.
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
