/** The TypeScript of the configuration and its schema say the same. The compiler is the judge: `npm test -- types` fails where they differ. */
import { expect, it } from 'vitest';
import { type ConfigDocument, jsonSchema } from '../../cdk/config/config-schema.ts';
import type { ConfigOptions } from '../../cdk/config/options.ts';

type Writable<T> = T extends readonly (infer Item)[]
  ? Writable<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Writable<T[Key]> }
    : T;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Expands all levels, so that the comparison sees a field that only one type has. */
type Flat<T> = T extends object ? { [Key in keyof T]: Flat<T[Key]> } : T;

type OfSchema = Flat<Writable<Omit<ConfigDocument, '$schema'>>>;
type OfInterfaces = Flat<Writable<ConfigOptions>>;

it('has the same fields and values', () => {
  const same: Same<OfSchema, OfInterfaces> = true;
  expect(same).toBe(true);
  expect(Object.keys(jsonSchema()['properties'] as object)).toContain('profiles');
});
