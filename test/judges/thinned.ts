/**
 * A large template as small as cfn-lint needs it. Of resources that are alike but for names and digits one stays, in the place
 * of all; and of these only what is unlike anything judged before, with what it refers to. 150 profiles are the same hundred
 * resources over and over, and cfn-lint takes a fiftieth of a second for each. How many there are is for the limits.
 */
import { intrinsic, type ResourceBody, type TemplateBody } from './assembly.ts';

type Resources = TemplateBody['Resources'];

/** Digits, and the hash at the end of a logical id. */
const varying = /[0-9A-F]{8}\b|\d+/g;

/** `judged`: the shapes that need no more judging; those of this template are added. */
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
  const one = Object.keys(body.Resources).slice(0, 1); // a template has a resource
  const all = new Map(
    [...first.values()].map((id) => [id, renamed(body.Resources[id], name) as ResourceBody] as const),
  );
  const kept = withReferred([...one, ...unlike, ...references(outputs)], all);
  for (const shape of first.keys()) judged.add(shape);
  const thin = { ...body, Resources: Object.fromEntries(kept), ...(outputs && { Outputs: outputs }) };
  return { ...thin, ...(body.Parameters && { Parameters: parametersOf(body, thin) }) };
}

/** Without those that only what is left out has used: cfn-lint tells of a parameter that nothing uses. */
function parametersOf(body: TemplateBody, thin: TemplateBody): NonNullable<TemplateBody['Parameters']> {
  const [before, after] = [body, thin].map((each) => new Set(references([each.Resources, each.Outputs])));
  return Object.fromEntries(
    Object.entries(body.Parameters ?? {}).filter(([name]) => after?.has(name) || !before?.has(name)),
  );
}

/** These resources, what they refer to, what that refers to, … */
function withReferred(ids: readonly string[], all: ReadonlyMap<string, ResourceBody>): Map<string, ResourceBody> {
  const kept = new Map<string, ResourceBody>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const resource = all.get(id);
    if (!resource || kept.has(id)) continue;
    kept.set(id, resource);
    open.push(...references(resource), ...[resource['DependsOn'] ?? []].flat().map(String));
  }
  return kept;
}

function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const [kind, argument] = intrinsic(value) ?? [];
  if (kind === 'Ref') return [String(argument)];
  if (kind === 'Fn::GetAtt' && Array.isArray(argument)) return [String(argument[0])];
  return Object.values(value).flatMap(references);
}

/** The value with other resources in its references. A list that would name one twice names it once. */
function renamed(value: unknown, name: (id: string) => string): unknown {
  if (Array.isArray(value)) {
    const all = value.map((each) => renamed(each, name));
    const texts = all.map((each) => JSON.stringify(each));
    return all.filter((_, index) => texts.indexOf(texts[index] ?? '') === index);
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

/** JSON of the resource: in place of a reference the type of what it leads to, in place of digits and hashes in a text `#`. */
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
  return JSON.stringify([[DependsOn ?? []].flat().map(typeOf).sort(), shape(body)]);
}
