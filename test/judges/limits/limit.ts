/** A limit of AWS, and the two plain kinds: the length of a property, and a number. */
import { type Assembly, type Resource, resourcesOf } from '../assembly.ts';
import { property } from '../filled.ts';

export interface Measured {
  readonly template: string;
  /** The logical id; '' for the template itself. */
  readonly id: string;
  readonly value: number;
}

export interface Limit {
  readonly what: string;
  readonly least?: number;
  readonly most: number;
  /** AWS's page that says so. */
  readonly source: string;
  readonly measure: (assembly: Assembly) => readonly Measured[];
  /** For a plain limit: the place of the value. Its test puts a value there that is too large. */
  readonly plain?: { readonly type: string; readonly path: string; readonly kind: 'length' | 'number' };
}

export interface Finding {
  readonly assembly: string;
  readonly template: string;
  readonly id: string;
  readonly what: string;
  readonly source: string;
}

/** Returns every value that is beyond a limit. */
export function judge(assembly: Assembly, limits: readonly Limit[]): Finding[] {
  return limits.flatMap(({ what, least = 0, most, source, measure }) =>
    measure(assembly)
      .filter(({ value }) => !(value >= least && value <= most))
      .map(({ template, id, value }) => ({
        assembly: assembly.name,
        template,
        id,
        what: `${what}: ${value}, allowed ${least} to ${most}`,
        source,
      })),
  );
}

export const measured = ({ template, id }: Pick<Resource, 'template' | 'id'>, value: number): Measured => ({
  template: template.file,
  id,
  value,
});

/** Measures each resource of a type. A resource without the value (undefined) is not measured. */
export function each(
  type: string,
  value: (resource: Resource, assembly: Assembly) => number | undefined,
): Limit['measure'] {
  return (assembly) =>
    resourcesOf(assembly, type).flatMap((resource) => {
      const found = value(resource, assembly);
      return found === undefined ? [] : [measured(resource, found)];
    });
}

/** Limits the length of a text property. `path` is like `Target.RetryPolicy.MaximumRetryAttempts`. */
export function lengthOf(type: string, path: string, most: number, source: string): Limit {
  return {
    what: `${type} ${path}, characters`,
    most,
    source,
    measure: each(type, (resource, assembly) => {
      const value = at(assembly, resource, path);
      return value === undefined ? undefined : String(value).length;
    }),
    plain: { type, path, kind: 'length' },
  };
}

/** Limits a property that is a number. */
export function numberOf(type: string, path: string, [least, most]: readonly [number, number], source: string): Limit {
  return {
    what: `${type} ${path}`,
    least,
    most,
    source,
    measure: each(type, (resource, assembly) => {
      const value = at(assembly, resource, path);
      return value === undefined ? undefined : Number(value);
    }),
    plain: { type, path, kind: 'number' },
  };
}

function at(assembly: Assembly, resource: Resource, path: string): unknown {
  const [first = '', ...rest] = path.split('.');
  return rest.reduce<unknown>(
    (value, name) => (value as Readonly<Record<string, unknown>> | undefined)?.[name],
    property(assembly, resource, first),
  );
}
