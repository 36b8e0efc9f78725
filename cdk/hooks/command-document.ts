/**
 * SSM documents of the hooks `exec` and `signal`. The command is fixed here, at deployment. What an event brings reaches it
 * as two environment variables and is never part of the script: no {{parameter}} stands in it, so SSM puts nothing in.
 */
import { commandParameters } from '../../lambdas/domain/hook.ts';

/** The content of an SSM document, schema 2.2. */
export interface CommandDocument {
  readonly schemaVersion: '2.2';
  readonly description: string;
  readonly parameters: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly mainSteps: readonly {
    readonly action: 'aws:runShellScript';
    readonly name: string;
    readonly inputs: { readonly timeoutSeconds: string; readonly runCommand: readonly string[] };
  }[];
}

/** `exec`: the command as it stands, for sh. */
export function execDocument(command: string): CommandDocument {
  return documentOf('runs a command', command.split('\n'));
}

/**
 * `signal`: `kill -<signal> $(cat <pidFile>)`, where the file must hold a process id and nothing else. Anything else could
 * be a list of processes, or with a minus a group, or with 0 the script's own.
 */
export function signalDocument(pidFile: string, signal: number): CommandDocument {
  return documentOf('signals a process', [
    `pid_file=${shellQuoted(pidFile)}`,
    'pid=$(cat "$pid_file") || exit 1',
    'case "$pid" in',
    "  '' | 0* | *[!0-9]*)",
    '    echo "cert-renewer: $pid_file holds no process id: expected its digits and nothing else." >&2',
    '    exit 1 ;;',
    'esac',
    `kill -${signal} "$pid"`,
  ]);
}

/** What is wrong with a text that becomes part of a document; undefined if nothing is. */
export function documentProblem(text: string): string | undefined {
  if (text.includes('{{')) {
    return 'it holds {{, which Systems Manager would replace ({{ssm:…}} by a parameter of the account); put the command into a script on the instance, and name that';
  }
  return text.includes('\0') ? 'it holds a NUL character, which ends a command' : undefined;
}

/**
 * The agent passes parameters as variables from version 3.3.2746.0 on. An older one would leave them out: then nothing is
 * run, rather than a command that is not told what for. (AWS's own way round that, "{{secretArn}}" in the script, would put
 * the event's text into a shell line.)
 */
const preamble = [
  'if [ -z "$SSM_secretArn" ] || [ -z "$SSM_versionId" ]; then',
  "  echo 'cert-renewer: this SSM Agent passes no environment variables: update it to 3.3.2746.0 or later.' >&2",
  '  exit 1',
  'fi',
  'export CERT_RENEWER_SECRET_ARN="$SSM_secretArn"',
  'export CERT_RENEWER_VERSION_ID="$SSM_versionId"',
];

function documentOf(what: string, lines: readonly string[]): CommandDocument {
  return {
    schemaVersion: '2.2',
    description: `cert-renewer: ${what} after a renewal`,
    parameters: {
      secretArn: parameter('ARN of the secret', commandParameters.secretArn),
      versionId: parameter('Its new version', commandParameters.versionId),
    },
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: 'hook',
        inputs: { timeoutSeconds: '3600', runCommand: [...preamble, ...lines] },
      },
    ],
  };
}

function parameter(description: string, allowedPattern: string): Readonly<Record<string, string>> {
  return { type: 'String', description, allowedPattern, interpolationType: 'ENV_VAR' };
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
