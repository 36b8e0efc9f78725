/** A synthesised cloud assembly: its templates (nested ones too) and the references between them. */

export interface ResourceBody {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly [more: string]: unknown;
}

export interface TemplateBody {
  readonly Description?: string;
  readonly Resources: Readonly<Record<string, ResourceBody>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
  readonly Parameters?: Readonly<Record<string, unknown>>;
}

export interface Template {
  /** The file's name in the assembly. */
  readonly file: string;
  readonly text: string;
  readonly body: TemplateBody;
  /** For a nested stack: the resource in its parent that creates it. */
  readonly nestedIn?: { readonly parent: Template; readonly id: string };
}

export interface Assembly {
  /** For messages: `examples/hooks.json`, `150 profiles`. */
  readonly name: string;
  readonly templates: readonly Template[];
}

export interface Resource {
  readonly template: Template;
  /** The logical id. */
  readonly id: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Builds an assembly from template bodies, without a synthesis. A nested template names its place by the index of its parent. */
export function assemblyOfBodies(
  name: string,
  ...bodies: readonly (TemplateBody & { readonly nestedIn?: readonly [parent: number, id: string] })[]
): Assembly {
  const templates: Template[] = [];
  for (const [index, { nestedIn, ...body }] of bodies.entries()) {
    const parent = nestedIn && templates[nestedIn[0]];
    templates.push({
      file: `${index}.template.json`,
      text: JSON.stringify(body),
      body,
      ...(parent && { nestedIn: { parent, id: nestedIn[1] } }),
    });
  }
  return { name, templates };
}

/** Returns the resources of all templates. If types are given, only resources of these types. */
export function resourcesOf({ templates }: Assembly, ...types: readonly string[]): Resource[] {
  return templates.flatMap((template) =>
    Object.entries(template.body.Resources)
      .filter(([, { Type }]) => types.length === 0 || types.includes(Type))
      .map(([id, { Type, Properties = {} }]) => ({ template, id, type: Type, properties: Properties })),
  );
}

/** Returns the name and the argument of `{ Ref: … }` or `{ 'Fn::…': … }`, and undefined for any other value. */
export function intrinsic(value: unknown): readonly [name: string, argument: unknown] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const [first, ...more] = Object.entries(value);
  return first && more.length === 0 && (first[0] === 'Ref' || first[0].startsWith('Fn::')) ? first : undefined;
}

/**
 * Returns the resource that a reference leads to, also through parameters and outputs of nested stacks. Undefined if it leads
 * to no resource.
 */
export function referred(assembly: Assembly, template: Template, value: unknown): Resource | undefined {
  const found = followed(assembly, template, value);
  const id = found && idOf(found.value);
  const body = id === undefined ? undefined : found?.template.body.Resources[id];
  if (id === undefined || !found || !body) return undefined;
  return { template: found.template, id, type: body.Type, properties: body.Properties ?? {} };
}

/** Returns the value behind parameters and outputs of nested stacks, and the template that contains it. */
export function followed(
  assembly: Assembly,
  template: Template,
  value: unknown,
): { readonly template: Template; readonly value: unknown } {
  const { nestedIn } = template;
  const id = idOf(value);
  if (id === undefined) return { template, value };
  if (nestedIn && intrinsic(value)?.[0] === 'Ref' && Object.hasOwn(template.body.Parameters ?? {}, id)) {
    const { Parameters } = nestedIn.parent.body.Resources[nestedIn.id]?.Properties ?? {};
    return followed(assembly, nestedIn.parent, (Parameters as Record<string, unknown> | undefined)?.[id]);
  }
  const output = /^Outputs\.(.+)$/.exec(attributeOf(value))?.[1];
  if (output === undefined) return { template, value };
  const child = assembly.templates.find((each) => each.nestedIn?.parent === template && each.nestedIn.id === id);
  return child ? followed(assembly, child, child.body.Outputs?.[output]?.Value) : { template, value };
}

function idOf(value: unknown): string | undefined {
  const [name, argument] = intrinsic(value) ?? [];
  if (name === 'Ref') return String(argument);
  return name === 'Fn::GetAtt' ? [argument].flat().join('.').split('.')[0] : undefined;
}

/** Returns the attribute that an Fn::GetAtt names; '' for anything else. */
export function attributeOf(value: unknown): string {
  const [name, argument] = intrinsic(value) ?? [];
  return name === 'Fn::GetAtt' ? [argument].flat().join('.').split('.').slice(1).join('.') : '';
}
