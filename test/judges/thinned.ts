/**
 * Thins a template for cfn-lint, which needs a twentieth of a second for each resource. Of resources that differ only in names
 * and digits one is kept: 150 profiles repeat the same hundred resources. If its shape was judged before, only its outline is
 * kept, and that only if something kept refers to it. The number of resources is judged by test/judges/limits, and equal names
 * by test/judges/same-names.ts.
 */
import { intrinsic, type ResourceBody, type TemplateBody } from './assembly.ts';

type Resources = TemplateBody['Resources'];

/** Digits, and the hash at the end of a logical id. */
const varying = /[0-9A-F]{8}\b|\d+/g;

/** Returns the thinned template. `judged` holds the shapes that were judged before; the shapes of this template are added. */
export function thinned(body: TemplateBody, judged: Set<string> = new Set()): TemplateBody {
  const first = new Map<string, string>();
  const inPlaceOf = new Map<string, string>();
  for (const [id, resource] of Object.entries(body.Resources)) {
    const shape = shapeOf(resource, body.Resources);
    if (!first.has(shape)) first.set(shape, id);
    inPlaceOf.set(id, first.get(shape) ?? id);
  }
  const name = (id: string) => inPlaceOf.get(id) ?? id;
  const outputs = body.Outputs && (renamed(body.Outputs, name) as TemplateBody['Outputs']);
  const unlike = [...first].filter(([shape]) => !judged.has(shape)).map(([, id]) => id);
  const one = Object.keys(body.Resources).slice(0, 1); // a template must have a resource
  const all = new Map(
    [...first.values()].map((id) => [id, renamed(body.Resources[id], name) as ResourceBody] as const),
  );
  const whole = new Set(unlike);
  const kept = withReferred([...one, ...whole, ...references(outputs)], (id) => {
    const resource = all.get(id);
    return resource === undefined || whole.has(id) ? resource : outline(resource);
  });
  for (const shape of first.keys()) judged.add(shape);
  const thin = { ...body, Resources: Object.fromEntries(kept), ...(outputs && { Outputs: outputs }) };
  return { ...thin, ...(body.Parameters && { Parameters: parametersOf(body, thin) }) };
}

/** Drops the parameters that only dropped resources used: cfn-lint warns about a parameter that nothing uses. */
function parametersOf(body: TemplateBody, thin: TemplateBody): NonNullable<TemplateBody['Parameters']> {
  const [before, after] = [body, thin].map((each) => new Set(references([each.Resources, each.Outputs])));
  return Object.fromEntries(
    Object.entries(body.Parameters ?? {}).filter(([name]) => after?.has(name) || !before?.has(name)),
  );
}

/** Returns these resources and all that they refer to, directly or indirectly. */
function withReferred(
  ids: readonly string[],
  resourceOf: (id: string) => ResourceBody | undefined,
): Map<string, ResourceBody> {
  const kept = new Map<string, ResourceBody>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const resource = kept.has(id) ? undefined : resourceOf(id);
    if (!resource) continue;
    kept.set(id, resource);
    open.push(...needs(resource));
  }
  return kept;
}

/** Returns the resources that a resource refers to or waits for. */
const needs = (resource: ResourceBody): string[] => [
  ...references(resource),
  ...[resource['DependsOn'] ?? []].flat().map(String),
];

const judgedBefore = 'judged-before';

/**
 * Returns the resource with its plain properties alone: rules about two resources compare their time-outs. It waits for what
 * the others refer to, so a circle of resources stays one.
 */
function outline(resource: ResourceBody): ResourceBody {
  const { Type, Properties = {} } = resource;
  const plain = Object.entries(Properties).filter(([, value]) => typeof value !== 'object');
  const more = { Metadata: { [judgedBefore]: true }, DependsOn: [...new Set(needs(resource))] };
  return { Type, Properties: Object.fromEntries(plain), ...more };
}

/** Whether this is an outline. What cfn-lint says of it means nothing: it was judged elsewhere, with its properties. */
export const isOutline = (resource: ResourceBody | undefined): boolean =>
  Object.hasOwn(Object(resource?.['Metadata']), judgedBefore);

function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const [kind, argument] = intrinsic(value) ?? [];
  if (kind === 'Ref') return [String(argument)];
  if (kind === 'Fn::GetAtt' && Array.isArray(argument)) return [String(argument[0])];
  return Object.values(value).flatMap(references);
}

/** Returns the value with references renamed. A list that names one resource twice for this reason then names it once. */
function renamed(value: unknown, name: (id: string) => string): unknown {
  if (Array.isArray(value)) {
    const all = value.map((each) => renamed(each, name));
    const [before, after] = [value, all].map((list) => list.map((each) => JSON.stringify(each)));
    const isFirst = (texts: readonly string[] | undefined, index: number) =>
      texts?.indexOf(texts[index] ?? '') === index;
    return all.filter((_, index) => isFirst(after, index) || !isFirst(before, index));
  }
  if (typeof value !== 'object' || value === null) return value;
  const [kind, argument] = intrinsic(value) ?? [];
  if (kind === 'Ref') return { Ref: name(String(argument)) };
  if (kind === 'Fn::GetAtt' && Array.isArray(argument)) return { [kind]: [name(argument[0]), argument[1]] };
  if (kind === 'Fn::Join') {
    const [separator, parts] = argument as [string, unknown[]];
    return { [kind]: [separator, parts.map((part) => renamed(part, name))] };
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === 'DependsOn' ? [...new Set([each].flat().map(name))] : renamed(each, name),
    ]),
  );
}

/** Returns the resource as JSON. A reference becomes the type of its resource; digits and hashes in a text become `#`. */
function shapeOf({ Metadata: _, DependsOn, ...body }: ResourceBody, resources: Resources): string {
  const typeOf = (id: unknown) => resources[String(id)]?.Type ?? String(id);
  const shape = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shape);
    if (typeof value === 'string') return value.replaceAll(varying, '#');
    if (typeof value !== 'object' || value === null) return value;
    const [kind, argument] = intrinsic(value) ?? [];
    if (kind === 'Ref') return { Ref: typeOf(argument) };
    if (kind === 'Fn::GetAtt' && Array.isArray(argument)) return { [kind]: [typeOf(argument[0]), argument[1]] };
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [String(shape(key)), shape(each)]));
  };
  return JSON.stringify([[...new Set([DependsOn ?? []].flat().map(typeOf))].sort(), shape(body)]);
}
