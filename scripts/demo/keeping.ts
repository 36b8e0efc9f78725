/** What `npm run demo -- --keep` prints at its end: how to use the command line on the demo, and faults to put into it. */
import { CHANGED, SHORT_LIVED, STEP_CA } from './configuration.ts';

/** A demo that is kept. Paths are absolute. */
export interface Kept {
  readonly project: string;
  /** The cert-renewer.json of the stack. */
  readonly configuration: string;
  /** A shell script with the variables of `environmentText`. */
  readonly environment: string;
  /** The process group of step-ca; undefined without one. */
  readonly caGroup: number | undefined;
}

/** A fault: the commands that make it, show it after the next scan, and mend it. None mends what the stack mends by itself. */
export interface Idea {
  readonly title: string;
  readonly break: readonly string[];
  readonly see: readonly string[];
  readonly mend: readonly string[];
}

/** Returns a shell script with these variables. The user's own AWS profile would win over them, so it is unset. */
export function environmentText(env: Readonly<Record<string, string>>): string {
  const lines = Object.entries(env).map(([name, value]) => `export ${name}=${word(value)}`);
  return `${['unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN', ...lines].join('\n')}\n`;
}

/** Returns the commands to look around with. The first one prepares a terminal. */
export function startingCommands({ project, environment, configuration }: Kept): readonly string[] {
  return [
    `cd ${word(project)} && . ${word(environment)}`,
    'npx cert-renewer status',
    'npx cert-renewer plan',
    `npx cert-renewer deploy --yes --config ${word(configuration)}`,
    `aws secretsmanager get-secret-value --secret-id ${CHANGED} --query SecretString --output text`,
  ];
}

export function ideas({ caGroup }: Kept): readonly Idea[] {
  const put = `aws secretsmanager put-secret-value --secret-id ${CHANGED} --secret-string`;
  const status = (name: string) => [`npx cert-renewer status ${name}`];
  return [
    {
      title: 'Spoil a secret',
      break: [`${put} rubbish`],
      see: status(CHANGED),
      mend: [`npx cert-renewer rollback ${CHANGED}`, `npx cert-renewer resume ${CHANGED}`],
    },
    {
      title: 'Store the pair of another certificate. The declaration wins: the stack issues a new one by itself',
      break: [
        `${put} "$(aws secretsmanager get-secret-value --secret-id ${SHORT_LIVED} --query SecretString --output text)"`,
      ],
      see: status(CHANGED),
      mend: [],
    },
    ...(caGroup === undefined ? [] : [stoppedCa(caGroup)]),
    {
      title: 'Pause a certificate and forget it: it expires within five minutes',
      break: [`npx cert-renewer pause ${SHORT_LIVED}`],
      see: status(SHORT_LIVED),
      mend: [`npx cert-renewer resume ${SHORT_LIVED}`],
    },
    {
      title: 'Set a tag that is not valid',
      break: [
        `aws secretsmanager tag-resource --secret-id ${SHORT_LIVED} --tags Key=cert-renewer:expires-in,Value=soon`,
      ],
      see: [...status(SHORT_LIVED), `npx cert-renewer plan ${SHORT_LIVED}`],
      mend: [`aws secretsmanager untag-resource --secret-id ${SHORT_LIVED} --tag-keys cert-renewer:expires-in`],
    },
  ];
}

const stoppedCa = (group: number): Idea => ({
  title: 'Stop the CA',
  break: [`kill -s STOP -- -${group}`],
  see: [`npx cert-renewer renew ${STEP_CA} --force`, 'npx cert-renewer doctor'],
  mend: [`kill -s CONT -- -${group}`, `npx cert-renewer renew ${STEP_CA} --force`],
});

/** Returns all of it as text. `pid` is the process that ends the demo. */
export function keptText(kept: Kept, pid: number): string {
  const [prepare = '', ...more] = startingCommands(kept);
  const told = ideas(kept).flatMap((idea, index) => [
    '',
    `${index + 1}. ${idea.title}`,
    ...(['break', 'see', 'mend'] as const).flatMap((part) =>
      idea[part].map((command, line) => `   ${(line === 0 ? part : '').padEnd(5)}  ${command}`),
    ),
  ]);
  return [
    `The configuration is ${kept.configuration}. After a change of it, deploy again.`,
    'Begin with the first line in any other terminal. It sets the endpoint, credentials and Region of the local AWS:',
    '',
    `  ${prepare}`,
    ...more.map((command) => `  ${command}`),
    '',
    'Break it. A scan runs every minute, so wait for one before you look. The lines with aws need the AWS CLI, 1.29 or 2.13 or later.',
    ...told,
    '',
    `To stop everything and clean up: Ctrl-C here, or kill ${pid} elsewhere.`,
  ].join('\n');
}

/** Returns a word as a shell reads it. */
const word = (text: string): string => (/^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
