/** `init`: the configuration that answers or options make. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfigFile } from '../../cdk/config/config.ts';
import { type TemporaryFolder, temporaryFolder } from '../../testkit/tools/temporary.ts';
import { stage } from './stage.ts';

const pathOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const rootFile = pathOf('examples/root_ca.crt');
const ownSchema = readFileSync(pathOf('cert-renewer.schema.json'), 'utf8');
const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012';

let folder: TemporaryFolder;
let file: string;
beforeEach(async () => {
  folder = await temporaryFolder('init');
  file = join(folder.path, 'cert-renewer.json');
});
afterEach(() => folder.remove());

const init = (line: string, answers?: readonly string[]) => {
  const staged = stage(answers ? { answers } : {});
  const ended = staged.cli('init', '--config', file, ...line.split(' ').filter(Boolean));
  return { ...staged, ended };
};
const written = () => JSON.parse(readFileSync(file, 'utf8'));

const quickStart = {
  $schema: './cert-renewer.schema.json',
  authorities: {
    root: { create: { subject: 'CN=Example Root', key: 'EC P-384', validity: '87600h', pathLen: 1 } },
    issuing: {
      create: { subject: 'CN=Example Issuing', key: 'EC P-256', validity: '26280h', pathLen: 0 },
      parent: 'root',
    },
  },
  profiles: {
    own: {
      ca: { type: 'offline', authority: 'issuing' },
      issue: { allow: ['dns:svc.example'], duration: '720h' },
    },
  },
  certificates: { 'web/tls': { profile: 'own', dnsNames: ['web.svc.example'] } },
};

describe('on a terminal', () => {
  it('Enter on everything gives authorities of the stack and one certificate', async () => {
    const { ended, questions } = init('', Array(6).fill(''));
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${file}: written\n` });
    expect(written()).toEqual(quickStart);
    expect(questions).toHaveLength(6);
    expect(stderr).toMatch(/Next:\n {2}npx cert-renewer bootstrap .*once .*\n {2}npx cert-renewer deploy/);
    expect(() => readConfigFile(file)).not.toThrow();
  });

  it('options are not asked for, and - leaves a part out', async () => {
    const { ended, questions } = init('--ca-name Acme', ['own', 'acme.example', '-', 'ops@acme.example']);
    expect((await ended).code).toBe(0);
    expect(questions.map((question) => question.split(/[;[]/)[0])).toHaveLength(4);
    const { certificates, notify, authorities, profiles } = written();
    expect({ certificates, notify }).toEqual({ certificates: undefined, notify: { email: ['ops@acme.example'] } });
    expect(authorities.root.create.subject).toBe('CN=Acme Root');
    expect(profiles.own.issue.allow).toEqual(['dns:acme.example']);
  });

  it('a step-ca that issues', async () => {
    const answers = ['step-ca', 'https://ca.example:9000', rootFile, 'renewer', keyArn, 'svc.example'];
    const { ended } = init('', [...answers, 'api/tls', 'api.svc.example, www.svc.example', '-']);
    expect(await ended).toMatchObject({ code: 0 });
    const { certificates, profiles, authorities } = written();
    expect(authorities).toBeUndefined();
    expect(certificates).toEqual({
      'api/tls': { profile: 'internal', dnsNames: ['api.svc.example', 'www.svc.example'] },
    });
    expect(profiles.internal).toMatchObject({
      ca: { type: 'step-ca', url: 'https://ca.example:9000', provisioner: { name: 'renewer', kmsKeyArn: keyArn } },
      issue: { allow: ['dns:svc.example'] },
    });
  });

  it('nothing is written when the input ends', async () => {
    const { ended } = init('', ['own', '']);
    expect(await ended).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing was written') });
    expect(existsSync(file)).toBe(false);
  });
});

describe('by options', () => {
  it.each([
    '--ca own --domain svc.example',
    '--ca own --domain svc.example --ca-name Acme,Inc. --name web/tls --dns web.svc.example --dns www.svc.example',
    '--ca own --domain svc.example --profile mine --email ops@svc.example',
    `--ca step-ca --url https://ca.example:9000 --root ${rootFile}`,
    `--ca step-ca --url https://ca.example --root ${rootFile} --provisioner renewer --provisioner-key ${keyArn} --domain svc.example --name web/tls --dns web.svc.example`,
  ])('%s is valid, and asks nothing', async (line) => {
    const { ended, questions } = init(line, []);
    expect(await ended).toMatchObject({ code: 0 });
    expect(questions).toEqual([]);
    expect(() => readConfigFile(file)).not.toThrow();
  });

  it.each([
    ['', /--ca own --domain <domain>, or --ca step-ca --url <url> --root <file>/],
    ['--ca own', /--domain/],
    ['--ca acme --domain svc.example', /Allowed choices are own, step-ca/],
    ['--ca step-ca --url https://ca.example --root none.crt', /none\.crt can't be read/],
    [`--ca step-ca --url https://ca.example --root ${rootFile} --provisioner renewer`, /--provisioner-key/],
    [`--ca step-ca --url https://ca.example --root ${rootFile} --name a --dns a.example`, /without --provisioner/],
    ['--ca own --domain svc.example --url https://ca.example', /--url <url> has no meaning with --ca own/],
    ['--ca own --domain svc.example --name web/tls', /--name and --dns belong together/],
    ['--ca own --domain svc.example --name web/tls --dns web.else.example', /web\.else\.example/],
    ['--ca own --domain svc.example --email nobody', /\$\.notify\.email/],
  ])('%s is refused, and nothing is written', async (line, message) => {
    const { ended } = init(line);
    expect(await ended).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
    expect(existsSync(file)).toBe(false);
  });

  it('--json has the configuration', async () => {
    const { stdout } = await init('--ca own --domain svc.example --name web/tls --dns web.svc.example --json').ended;
    expect(JSON.parse(stdout)).toEqual({ file, configuration: quickStart });
  });
});

describe('files', () => {
  const line = '--ca own --domain svc.example';
  const schema = () => join(folder.path, 'cert-renewer.schema.json');

  it('a configuration that exists, or another schema, is replaced with --force only', async () => {
    for (const path of [file, schema()]) {
      writeFileSync(path, 'mine');
      const { code, stderr } = await init(line).ended;
      expect({ code, text: readFileSync(path, 'utf8') }).toEqual({ code: 2, text: 'mine' });
      expect(stderr).toMatch(new RegExp(`${path}.* would be replaced: give --force`));
      expect((await init(`${line} --force`).ended).code).toBe(0);
      expect(readFileSync(schema(), 'utf8')).toBe(ownSchema);
      expect(written().$schema).toBe('./cert-renewer.schema.json');
    }
  });

  it('the schema of the installed package is used where it is', async () => {
    const installed = join(folder.path, 'node_modules/cert-renewer/cert-renewer.schema.json');
    await mkdir(dirname(installed), { recursive: true });
    writeFileSync(installed, ownSchema);
    expect((await init(line).ended).code).toBe(0);
    expect(written().$schema).toBe('./node_modules/cert-renewer/cert-renewer.schema.json');
    expect(existsSync(schema())).toBe(false);
  });
});
