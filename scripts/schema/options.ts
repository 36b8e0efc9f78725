/** Writes cdk/config/options.ts: the JSON Schema of the configuration as TypeScript types, with its descriptions as docstrings. */

interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly additionalProperties?: Node | false;
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly enum?: readonly (string | number)[];
  readonly const?: string;
}

/** Names of the interfaces, by the property whose value (for a record, each value) has that type. */
const names: Readonly<Record<string, string>> = {
  notify: 'NotifyOptions',
  probe: 'ProbeOptions',
  vpc: 'VpcOptions',
  profiles: 'ProfileOptions',
  ca: 'CaOptions',
  provisioner: 'ProvisionerOptions',
  challenge: 'ChallengeOptions',
  issue: 'IssueOptions',
  hooks: 'HookOptions',
  targetTag: 'TargetTagOptions',
  authorities: 'AuthorityOptions',
  create: 'NewAuthorityOptions',
  nameConstraints: 'NameConstraintOptions',
  caApi: 'CaApiOptions',
  certificates: 'CertificateOptions',
};

const head = `/**
 * The configuration as TypeScript. Made from the schema (config-schema.ts) by \`npm run schema\`; do not edit.
 */
`;

/** Returns the text of the file. Throws if a field has no description. */
export function optionsFile(schema: Node): string {
  const declared = new Map<string, string>();
  interfaceOf(
    'ConfigOptions',
    { ...schema, description: 'The configuration of a stack: cert-renewer.json.' },
    declared,
  );
  return `${head}\n${[...declared.values()].join('\n')}`;
}

function interfaceOf(name: string, node: Node, declared: Map<string, string>): string {
  reserve(name, declared);
  const members = Object.entries(node.properties ?? {}).filter(([field]) => field !== '$schema');
  const lines = members.map(([field, value]) => {
    const optional = !node.required?.includes(field);
    const type = typeOf(field, value, declared);
    const docs = docstring(described(`${name}.${field}`, value), optional);
    return `${docs}  readonly ${field}${optional ? '?' : ''}: ${type}${optional ? ' | undefined' : ''};\n`;
  });
  const doc = docstring(described(name, node), false).replaceAll(/^ {2}/gm, '');
  return declare(name, `${doc}export interface ${name} {\n${lines.join('')}}\n`, declared);
}

/** Reserves the place of a type, so that types stand in the order of their first use. */
function reserve(name: string, declared: Map<string, string>): void {
  if (!declared.has(name)) declared.set(name, '');
}

function declare(name: string, text: string, declared: Map<string, string>): string {
  if (declared.get(name) && declared.get(name) !== text) throw new Error(`two objects have the name ${name}`);
  declared.set(name, text);
  return name;
}

function typeOf(field: string, node: Node, declared: Map<string, string>): string {
  const { type, items, oneOf, anyOf, additionalProperties: each } = node;
  if (node.const !== undefined) return quoted(node.const);
  if (node.enum && type === 'string') return node.enum.map(quoted).join(' | ');
  if (anyOf) return anyOf.map((one) => (one.type === 'null' ? 'null' : typeOf(field, one, declared))).join(' | ');
  if (oneOf) return unionOf(field, node, oneOf, declared);
  if (items) return `readonly ${wrapped(typeOf(field, inherit(items, node), declared))}[]`;
  if (each) return `Readonly<Record<string, ${typeOf(field, inherit(each, node), declared)}>>`;
  if (type === 'object') return interfaceOf(names[field] ?? missing(field), node, declared);
  return type === 'integer' ? 'number' : (type ?? missing(field));
}

/** Declares an interface for each `type`, and their union. */
function unionOf(field: string, node: Node, all: readonly Node[], declared: Map<string, string>): string {
  const name = names[field] ?? missing(field);
  reserve(name, declared);
  const members = all.map((one) => {
    const type = one.properties?.['type'];
    const prefix = pascal(type?.const ?? missing(field));
    const description = type?.description ?? missing(field);
    return interfaceOf(`${prefix}${name}`.replace('CaCa', 'Ca'), { ...one, description }, declared);
  });
  const doc = docstring(described(name, node), false).replaceAll(/^ {2}/gm, '');
  return declare(name, `${doc}export type ${name} = ${members.join(' | ')};\n`, declared);
}

/** Gives an entry of a list or record the description of the whole, if it has none. */
function inherit(entry: Node, whole: Node): Node {
  return { ...entry, description: entry.description ?? whole.description ?? '' };
}

function described(path: string, { description }: Node): string {
  return description || missing(path);
}

/** Formats a docstring. A default at the end of the description becomes the tag `@default`. */
function docstring(description: string, optional: boolean): string {
  const [, text = description, value] = /^(.*?)\s*Default: (.*)\.$/s.exec(description) ?? [];
  const lines = [...fold(text), ...(optional ? [`@default ${value ?? 'none'}`] : [])];
  if (lines.length === 1) return `  /** ${lines[0]} */\n`;
  return `  /**\n${lines.map((line) => `   * ${line}\n`).join('')}   */\n`;
}

/** Splits a text into lines of at most 130 characters. */
function fold(text: string): string[] {
  return text.match(/.{1,130}(?:\s|$)/g)?.map((line) => line.trimEnd()) ?? [];
}

function pascal(text: string): string {
  return text.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

const quoted = (value: string | number): string => `'${value}'`;
const wrapped = (type: string): string => (type.includes(' | ') ? `(${type})` : type);

function missing(path: string): never {
  throw new Error(`the schema has no description, name or type for ${path}`);
}
