/** Each snippet of the documents: configurations are valid, command lines are understood, the apps of a user synthesise. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as cdk from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { CertRenewer } from '../../cdk/cert-renewer.ts';
import { Certificate } from '../../cdk/certificates/certificate.ts';
import { validateConfig } from '../../cdk/config/config.ts';
import { temporaryFolder } from '../../testkit/tools/temporary.ts';
import { newApp } from '../cdk/fixtures.ts';
import { stage } from '../cli/stage.ts';
import { isCommand, parsed, wordsOf } from '../support/parsed-line.ts';
import { commandsOf, readmeApp, readmeSteps } from '../support/readme.ts';
import { projectFiles, textOf } from '../support/sources.ts';

const pages = projectFiles.filter((path) => /^(?:[A-Z]+\.md|(?:docs|examples)\/.*\.md)$/.test(path));
/** The folder with the files that the configurations name. */
const origin = { source: 'a snippet', baseDirectory: new URL('../../examples', import.meta.url).pathname };

interface Block {
  readonly page: string;
  /** What stands behind the fence. */
  readonly kind: string;
  readonly text: string;
}

/** The fenced blocks of all pages, those in lists too. */
const blocks: readonly Block[] = pages.flatMap((page) =>
  [...textOf(page).matchAll(/^([ \t]*)```([^\n]*)\n([\s\S]*?)^\1```$/gm)].map(([, , kind = '', text = '']) => ({
    page,
    kind,
    text,
  })),
);

describe('configurations', () => {
  const whole = blocks.filter(({ kind }) => kind === 'json configuration');
  it.each(whole)('$page: a configuration', ({ text }) => {
    expect(() => validateConfig(JSON.parse(text), origin)).not.toThrow();
  });

  /** Profiles alone: a fragment in a fence, or in backquotes within a sentence. */
  const profiles = [
    ...blocks.filter(({ kind, text }) => kind === 'json' && /^\s*"\w+": \{/.test(text)),
    ...pages.flatMap((page) =>
      [...textOf(page).matchAll(/`("\w+": \{ "ca": [^`]+)`/g)].map(([, text = '']) => ({ page, kind: '', text })),
    ),
  ];
  it.each(profiles)('$page: a profile: $text', ({ text }) => {
    const filled = text.replace('…', '12345678-1234-1234-1234-123456789012');
    expect(() => validateConfig(JSON.parse(`{ "profiles": { ${filled} } }`), origin)).not.toThrow();
  });

  it('are all looked at, here or by the test of their page', () => {
    expect(whole.length).toBeGreaterThan(10);
    expect(profiles.length).toBeGreaterThanOrEqual(2);
    // docs/ca-api.md shows what is in secrets and in the bodies of HTTP.
    const others = blocks.filter(
      ({ page, kind, text }) =>
        kind === 'json' && page !== 'docs/ca-api.md' && !profiles.some((each) => each.text === text),
    );
    expect(others).toEqual([]);
  });
});

describe('command lines of cert-renewer', () => {
  /** Lines of fences, and commands in backquotes. The usage lines of docs/cli.md are patterns, and left out. */
  const lines = pages.flatMap((page) => {
    const fenced = blocks.filter((block) => block.page === page && block.kind === '');
    const typed = fenced.flatMap(({ text }) => commandsOf(text)).map((line) => line.replace(/^\$ /, ''));
    const prose = textOf(page).replace(/^[ \t]*```[\s\S]*?^[ \t]*```/gm, '');
    const quoted = [...prose.matchAll(/`((?:npx )?cert-renewer [^`]+)`/g)].map(([, line = '']) => line);
    return [...typed, ...quoted]
      .filter((line) => /^(?:npx )?cert-renewer (?!<command>|completion <)/.test(line) && !/\[options\]/.test(line))
      .map((line) => ({ page, line }));
  });

  it('are found', () => {
    expect(lines.length).toBeGreaterThan(40);
    expect(new Set(lines.map(({ page }) => page))).toContain('README.md');
  });

  it.each(lines)('$page: $line', async ({ line }) => {
    const [name = '', ...more] = wordsOf(line.replace(/^(?:npx )?cert-renewer /, ''));
    expect(isCommand(name), `a command ${name}`).toBe(true);
    // A sentence may name a command without its arguments.
    if (more.length > 0) expect(await parsed(line)).toBe(name);
  });
});

describe('the quick start', () => {
  it('writes the example of README.md in step 1, and a valid configuration with two names in step 4', async () => {
    const [first, , , fourth] = readmeSteps().map(({ commands: lines }) => lines);
    const folder = await temporaryFolder('readme');
    try {
      const file = join(folder.path, 'cert-renewer.json');
      const words = wordsOf((first?.[0] ?? '').replace(/^npx cert-renewer /, ''));
      expect(await stage().cli(...words, '--config', file)).toMatchObject({ code: 0 });
      const written = readFileSync(file, 'utf8');
      const [example] = blocks.filter(({ page, kind }) => page === 'README.md' && kind === 'json configuration');
      const { $schema, ...document } = JSON.parse(written);
      expect(document).toEqual(JSON.parse(example?.text ?? ''));
      const [, from = '', to = ''] = /'s\/(.+)\/(.+)\/'/.exec(fourth?.[0] ?? '') ?? [];
      expect(written.split(from)).toHaveLength(2);
      const changed = JSON.parse(written.replace(from, to));
      expect(changed.certificates['web/tls'].dnsNames).toHaveLength(2);
      expect(() => validateConfig(changed, { source: file, baseDirectory: folder.path })).not.toThrow();
    } finally {
      await folder.remove();
    }
  });
});

describe('apps', () => {
  /** Runs a snippet without its imports. `names` has what they import, `self` is its `this`. */
  function execute(code: string, names: Readonly<Record<string, unknown>>, self?: unknown): void {
    const statements = code.replace(/^import [^;]*;$/gm, '').replace(/^\s*(?:import|export) .*$/gm, '');
    new Function(...Object.keys(names), statements).apply(self, Object.values(names));
  }

  const importsOf = (code: string): readonly string[] =>
    [...code.matchAll(/^import \{([^}]*)\} from '[^']+';$/gm)].flatMap(([, names = '']) =>
      names.split(',').map((name) => name.trim()),
    );

  it('README.md: the app has a certificate, and a role that reads it', () => {
    const app = newApp();
    const stacks: cdk.Stack[] = [];
    class Stack extends cdk.Stack {
      constructor(...[, id]: ConstructorParameters<typeof cdk.Stack>) {
        super(app, id);
        stacks.push(this);
      }
    }
    const { Role, ServicePrincipal } = iam;
    const names = { App: class {}, Stack, Role, ServicePrincipal, CertRenewer, Certificate };
    expect(Object.keys(names)).toEqual(expect.arrayContaining([...importsOf(readmeApp())]));
    execute(readmeApp(), names);
    const [stack] = stacks;
    if (!stack) throw new Error('The app has no stack');
    const policies = Template.fromStack(stack).findResources('AWS::IAM::Policy');
    const ofRole = Object.values(policies).filter(({ Properties }) =>
      JSON.stringify(Properties.Roles).includes('"Service'),
    );
    expect(JSON.stringify(ofRole)).toContain('secretsmanager:GetSecretValue');
  });

  const fragments = blocks.filter(({ page, kind }) => kind === 'ts' && page !== 'README.md');
  it.each(fragments)('$page: $text', ({ text }) => {
    const stack = new cdk.Stack(newApp(), 'Own');
    const create = { subject: 'CN=Example Root', key: 'EC P-384', validity: '87600h' };
    const renewer = new CertRenewer(stack, 'Renewer', {
      authorities: { own: { create } },
      profiles: { own: { ca: { type: 'offline', authority: 'own' }, issue: { allow: ['dns:svc.example'] } } },
    });
    const service = new iam.Role(stack, 'Service', { assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com') });
    expect(() => execute(text, { Certificate, renewer, service }, stack)).not.toThrow();
  });
});

it('the schema that configurations name is there', () => {
  const schema = JSON.parse(readFileSync(new URL('../../cert-renewer.schema.json', import.meta.url), 'utf8'));
  expect(schema.title).toBe('cert-renewer.json');
});
