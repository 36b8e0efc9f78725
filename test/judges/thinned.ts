/**
 * A large template as small as cfn-lint needs it: of resources that are alike but for names and digits one stays, in the place
 * of all. 150 profiles are the same hundred resources over and over; cfn-lint takes a fiftieth of a second for each, and more in
 * large templates. How many there are is for the limits.
 */
import { intrinsic, type ResourceBody, type TemplateBody } from './assembly.ts';

type Resources = TemplateBody['Resources'];

/** Digits, and the hash at the end of a logical id. */
const varying = /[0-9A-F]{8}\b|\d+/g;

export function thinned(body: TemplateBody): TemplateBody {
  const first = new Map<string, string>();
  const inPlaceOf = new Map<string, string>();
  for (const [id, resource] of Object.entries(body.Resources)) {
    const shape = shapeOf(resource, body.Resources);
    if (!first.has(shape)) first.set(shape, id);
    inPlaceOf.set(id, first.get(shape) ?? id);
  }
  const name = (id: string) => inPlaceOf.get(id) ?? id;
  const kept = Object.entries(body.Resources).filter(([id]) => name(id) === id);
  const Resources = Object.fromEntries(kept.map(([id, resource]) => [id, renamed(resource, name) as ResourceBody]));
  const { Outputs } = body;
  return { ...body, Resources, ...(Outputs && { Outputs: renamed(Outputs, name) as typeof Outputs }) };
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
