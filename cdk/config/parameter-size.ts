/** Checks the size of SSM parameters. */
import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ConfigError } from './config-error.ts';

/**
 * Bytes that an advanced parameter may have:
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
 */
export const mostParameterBytes = 8 * 1024;

/** The parts of the message: "found … bytes; <what> may have 8192 <with>: <todo>". */
export interface Sized {
  readonly path: string;
  readonly what: string;
  readonly with: string;
  readonly todo: string;
}

/** Throws ConfigError if the part of a value that is known at synthesis has more than 8 KB. */
export function checkParameterSize(scope: Construct, value: string, { path, what, with: inside, todo }: Sized): void {
  const bytes = literalBytes(Stack.of(scope).resolve(value));
  if (bytes <= mostParameterBytes) return;
  const message = `found ${bytes} bytes; ${what} may have ${mostParameterBytes} ${inside}: ${todo}`;
  throw new ConfigError('The configuration', [{ path, message }]);
}

function literalBytes(resolved: unknown): number {
  if (typeof resolved === 'string') return Buffer.byteLength(resolved);
  if (Array.isArray(resolved)) return resolved.reduce<number>((sum, part) => sum + literalBytes(part), 0);
  const join = typeof resolved === 'object' && resolved !== null && 'Fn::Join' in resolved ? resolved['Fn::Join'] : [];
  return Array.isArray(join) ? literalBytes(join[1] ?? []) : 0;
}
