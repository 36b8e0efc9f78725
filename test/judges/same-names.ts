/** Finds resources that CloudFormation could not create together, because they have the same type and the same name. */
import { type Assembly, resourcesOf } from './assembly.ts';
import { ownName, property } from './filled.ts';

/** Returns `<type> <name>: <logical ids>` for each name that several resources of a type have. */
export function sameNames(assembly: Assembly): string[] {
  const ids = new Map<string, string[]>();
  for (const resource of resourcesOf(assembly)) {
    const own = ownName(resource);
    if (own === undefined) continue;
    const name = `${resource.type} ${property(assembly, resource, own)}`;
    ids.set(name, [...(ids.get(name) ?? []), resource.id]);
  }
  return [...ids].filter(([, all]) => all.length > 1).map(([name, all]) => `${name}: ${all.join(', ')}`);
}
