/** `init`: writes a first configuration, from answers or options. */
import { dirname, relative, resolve } from 'node:path';
import { type Context, command, type OptionSpecs, type OptionValues } from '../command.ts';
import { type Choice, caKinds, configurationOf } from '../configuration.ts';
import { UsageError } from '../exit.ts';
import { filesInTheWay, schemaFor, writeConfiguration } from '../files/configuration.ts';
import { configWords, targetWords } from '../hints.ts';
import { configOption } from './deploy.ts';

const options = {
  ca: {
    flags: '--ca <kind>',
    description: 'who issues: authorities of the stack with keys in KMS (own), or a step-ca',
    choices: caKinds,
  },
  caName: { flags: '--ca-name <text>', description: 'own: name in the authorities’ subjects (default: Example)' },
  url: { flags: '--url <url>', description: 'step-ca: its address, https://ca.example:9000' },
  root: { flags: '--root <file>', description: 'step-ca: its root certificate in PEM' },
  provisioner: {
    flags: '--provisioner <name>',
    description:
      'step-ca: the JWK provisioner that issues; without one, the stack renews enrolled certificates and issues none',
  },
  provisionerKey: { flags: '--provisioner-key <arn>', description: 'step-ca: the provisioner’s key in KMS' },
  domain: { flags: '--domain <domain>', description: 'certificates may have this DNS name and all below it' },
  name: { flags: '--name <secret>', description: 'the first certificate: name of its secret; needs --dns' },
  dns: { flags: '--dns <name>', description: 'a DNS name of the first certificate; repeatable', repeats: true },
  profile: {
    flags: '--profile <profile>',
    description: 'name of the profile (default: own, or internal for a step-ca)',
  },
  email: {
    flags: '--email <address>',
    description: 'address for mail about certificates that fail, are overdue or not served',
  },
  ...configOption,
  force: { flags: '--force', description: 'replace existing files' },
} as const satisfies OptionSpecs;
type Given = OptionValues<typeof options>;

/** The answer that leaves a part out. */
const none = '-';

export const init = command({
  name: 'init',
  summary: 'write a first configuration, from answers or options',
  description: [
    'Writes a configuration with one CA, one profile and, if you name it, one certificate. Then it prints the next steps. It calls no AWS API.',
    '--ca own needs --domain. --ca step-ca needs --url and --root, and with --provisioner also --provisioner-key and --domain. If these options are given, init asks nothing. Otherwise it asks for the options that are not given, on a terminal only; Enter takes the default.',
    'It validates the configuration before it writes it. It replaces existing files only with --force.',
    '"$schema" in the file is for completion in your editor. It names the schema in node_modules/cert-renewer, or else a copy that init writes beside the configuration.',
  ],
  options,
  examples: [
    { command: 'cert-renewer init', says: 'asks on a terminal' },
    {
      command: 'cert-renewer init --ca own --domain svc.example --name web/tls --dns web.svc.example',
      says: 'needs no CA',
    },
    {
      command: 'cert-renewer init --ca step-ca --url https://ca.example:9000 --root root_ca.crt',
      says: 'renews, issues nothing',
    },
  ],
  needs: [],
  run: async (context, _names, given) => {
    const { terminal, cdk } = context;
    const { config, force } = given;
    const file = config ?? 'cert-renewer.json';
    const folder = dirname(resolve(file));
    const inTheWay = force ? [] : await filesInTheWay(file);
    if (inTheWay.length > 0) {
      throw new UsageError(`${inTheWay.join(' and ')} would be replaced: give --force, or another file with --config.`);
    }
    const choice = await chosen(context, given, folder);
    const document = configurationOf(choice, schemaFor(folder));
    await cdk.check(document, file, folder);
    await writeConfiguration(file, document);
    if (terminal.json) terminal.record({ file, configuration: document });
    else terminal.print(`${file}: written`);
    const words = `${configWords(config)}${targetWords(context.session.target)}`;
    terminal.note(
      [
        'Next:',
        `  npx cert-renewer bootstrap${words}    once for each account and Region`,
        `  npx cert-renewer deploy${words}`,
        ...(choice.certificate ? [] : ['  npx cert-renewer import --help    a certificate that exists, to a secret']),
      ].join('\n'),
    );
    return 'ok';
  },
});

/** Options without a default. */
function needed({ ca, provisioner }: Given): readonly (keyof Given)[] {
  if (ca === undefined) return ['ca'];
  if (ca === 'own') return ['domain'];
  return ['url', 'root', ...(provisioner === undefined ? [] : (['provisionerKey', 'domain'] as const))];
}

const neededText =
  'Without a terminal, init needs options: --ca own --domain <domain>, or --ca step-ca --url <url> --root <file>. A step-ca issues with --provisioner <name> --provisioner-key <arn> --domain <domain>. Add --name <secret> --dns <name> to declare a certificate.';

/** Returns the option's value, or else the answer. Undefined for `-`, and for a missing option if init asks nothing. */
type Ask = (
  key: 'ca' | 'caName' | 'url' | 'root' | 'provisioner' | 'provisionerKey' | 'domain' | 'name' | 'email',
  question: string,
  byDefault: string,
) => Promise<string | undefined>;

async function chosen({ ask }: Context, given: Given, folder: string): Promise<Choice> {
  const isComplete = needed(given).every((key) => given[key] !== undefined);
  if (!isComplete && !ask) throw new UsageError(neededText);
  const asked = async (question: string, byDefault: string): Promise<string | undefined> => {
    if (isComplete || !ask) return undefined;
    const answer = await ask(`${question} [${byDefault}]: `);
    if (answer === undefined) throw new UsageError('The input ended before the last answer: nothing was written.');
    const value = answer.trim() || byDefault;
    return value === none ? undefined : value;
  };
  const text: Ask = async (key, question, byDefault) => given[key] ?? (await asked(question, byDefault));

  const ca = await text('ca', 'CA: own (authorities of the stack, keys in KMS) or step-ca', 'own');
  if (ca === 'own') return ownChoice(text, given, asked);
  if (ca === 'step-ca') return stepCaChoice(text, given, asked, folder);
  throw new UsageError(`${ca} is not a kind of CA; expected ${caKinds.join(' or ')}.`);
}

type Asked = (question: string, byDefault: string) => Promise<string | undefined>;

async function ownChoice(text: Ask, given: Given, asked: Asked): Promise<Choice> {
  refuse(given, ['url', 'root', 'provisioner', 'provisionerKey'], '--ca own');
  const caName = (await text('caName', 'Name in the authorities’ subjects', 'Example')) ?? 'Example';
  const domain = await domainOf(text);
  const certificate = await certificateIn(domain, text, given, asked);
  return { ca: 'own', caName, domain, certificate, ...(await commonOf(text, given)) };
}

async function stepCaChoice(text: Ask, given: Given, asked: Asked, folder: string): Promise<Choice> {
  refuse(given, ['caName'], '--ca step-ca');
  const url = (await text('url', 'Address of the step-ca', 'https://ca.example:9000')) ?? '';
  const file = (await text('root', 'Its root certificate, a PEM file', 'root_ca.crt')) ?? '';
  const step = { ca: 'step-ca', url, root: relative(folder, resolve(file)) } as const;
  const name = await text('provisioner', `Its JWK provisioner that issues; ${none} to renew only`, none);
  if (name === undefined) {
    refuse(given, ['provisionerKey', 'domain', 'name', 'dns'], '--ca step-ca without --provisioner');
    return { ...step, provisioner: undefined, certificate: undefined, ...(await commonOf(text, given)) };
  }
  const kmsKeyArn = (await text('provisionerKey', 'ARN of the provisioner’s key in KMS', none)) ?? '';
  const domain = await domainOf(text);
  const certificate = await certificateIn(domain, text, given, asked);
  return { ...step, provisioner: { name, kmsKeyArn, domain }, certificate, ...(await commonOf(text, given)) };
}

const domainOf = async (text: Ask): Promise<string> =>
  (await text('domain', 'Certificates may have this domain and all below it', 'svc.example')) ?? '';

const commonOf = async (text: Ask, { profile }: Given) => ({
  profile,
  email: await text('email', `Mail about failures goes to; ${none} for none`, none),
});

async function certificateIn(domain: string, text: Ask, given: Given, asked: Asked): Promise<Choice['certificate']> {
  const name = await text('name', `The first certificate’s secret; ${none} for no certificate`, 'web/tls');
  const answer = name === undefined || given.dns ? undefined : await asked('Its DNS names', `web.${domain}`);
  const dnsNames = given.dns ?? answer?.split(/[\s,]+/) ?? [];
  if ((name === undefined) !== (dnsNames.length === 0)) {
    throw new UsageError('--name and --dns belong together: the secret of a certificate, and its DNS names.');
  }
  return name === undefined ? undefined : { name, dnsNames };
}

function refuse(given: Given, keys: readonly (keyof Given)[], place: string): void {
  const found = keys.find((key) => given[key] !== undefined);
  if (found !== undefined) throw new UsageError(`${options[found].flags} has no meaning with ${place}.`);
}
