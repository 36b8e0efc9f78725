/** docs/configuration.md has every field of the configuration's schema, with its default, and every output of the stack. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configSchedule } from '../../cdk/config/config.ts';
import { jsonSchema } from '../../cdk/config/config-schema.ts';
import { synthesize } from '../cdk/fixtures.ts';
import { rowsOf } from './tables.ts';

const textOf = (page: string): string => readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
const page = textOf('configuration.md');

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
}

/** The path of every field that has no fields of its own: `notify.email`, `profiles.<name>.ca.url`. */
function fieldsOf({ properties = {}, additionalProperties, oneOf = [], items }: Schema, path = ''): string[] {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const below = [
    ...Object.entries(properties).flatMap(([name, schema]) => fieldsOf(schema, at(name))),
    ...(typeof additionalProperties === 'object' ? fieldsOf(additionalProperties, at('<name>')) : []),
    ...oneOf.flatMap((schema) => fieldsOf(schema, path)),
    ...(items?.oneOf ? fieldsOf(items, path) : []),
  ];
  return below.length > 0 ? [...new Set(below)] : [path];
}

/** Every name in the first cells of a section, with what stands before it. */
const told = (heading: string, prefix = '', from = page): string[] =>
  rowsOf(from, heading).flatMap(({ cells }) =>
    [...(cells[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => `${prefix}${name}`),
  );

describe('docs/configuration.md', () => {
  const fields = fieldsOf(jsonSchema());

  it('has a row for every field, and no other', () => {
    /** These have rows elsewhere: declared.md, options/hooks.md. */
    const elsewhere = /^(?:certificates\.<name>|profiles\.<name>\.hooks)\./;
    const expected = fields.filter((field) => !elsewhere.test(field));
    const groups = ['profiles', 'authorities', 'certificates', 'profiles.<name>.hooks'];
    const rows = [
      ...told('The stack'),
      ...told('Profiles', 'profiles.<name>.'),
      ...told('Authorities', 'authorities.<name>.'),
    ];
    expect(rows.filter((row) => !groups.includes(row)).sort()).toEqual(expected.sort());
    for (const group of groups) expect(rows).toContain(group);
  });

  it('leaves the fields of certificates and hooks to their pages, which have them all', () => {
    const below = (prefix: string) =>
      fields.flatMap((field) => (field.startsWith(prefix) ? [field.slice(prefix.length)] : []));
    expect(told('The fields', '', textOf('declared.md'))).toEqual(
      expect.arrayContaining(below('certificates.<name>.').map((field) => field.replace(/\..*$/, ''))),
    );
    const hooks = textOf('options/hooks.md');
    for (const field of below('profiles.<name>.hooks.')) expect(hooks).toContain(`\`${field.split('.')[0]}\``);
    for (const field of below('profiles.<name>.issue.'))
      expect(textOf('options/issue.md')).toContain(`\`issue.${field}\``);
  });

  it('says a default, or that the field is required', () => {
    for (const heading of ['The stack', 'Profiles', 'Authorities'])
      for (const { name, cells } of rowsOf(page, heading)) {
        const [, value = '', meaning = ''] = cells;
        expect(value !== '' || meaning.includes('Required'), name).toBe(true);
        expect(meaning.length, name).toBeGreaterThan(10);
      }
  });

  it('has the defaults of the stack', () => {
    const defaultOf = (field: string) => rowsOf(page, 'The stack').find(({ name }) => name === field)?.cells[1];
    expect(`\`${configSchedule({}).expression}\``).toBe(defaultOf('schedule'));
    const { template } = synthesize();
    const mappings = Object.values(template.findResources('AWS::Lambda::EventSourceMapping'));
    const most = mappings.map(({ Properties }) => String(Properties.ScalingConfig?.MaximumConcurrency));
    expect(most).toContain(defaultOf('maxConcurrency'));
    const groups = Object.values(template.findResources('AWS::Logs::LogGroup'));
    expect(groups.map(({ Properties }) => String(Properties.RetentionInDays))).toContain(defaultOf('logRetentionDays'));
  });

  it('has every output of the stack, and no other', () => {
    const create = { subject: 'CN=An Authority', key: 'EC P-256', validity: '87600h' };
    const { template } = synthesize({
      authorities: { root: { create }, issuing: { create, parent: 'root' } },
      probe: { allow: ['dns:example.com'] },
    });
    const outputs = Object.keys(template.findOutputs('*')).map((name) =>
      name.replace(/^(?:Root|Issuing)(?=\w+Arn$)/, '<Name>'),
    );
    const rows = rowsOf(page, 'Outputs').flatMap(({ cells }) =>
      [...(cells[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    );
    expect(rows.sort()).toEqual([...new Set(outputs)].sort());
  });
});
