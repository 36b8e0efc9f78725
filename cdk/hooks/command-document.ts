/**
 * SSM documents of the hooks `exec` and `signal`. The command is fixed at deployment. It gets the event's values as two environment
 * variables, never as part of the script: the script has no {{parameter}}, so SSM inserts nothing.
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

/** Returns the document of `exec`: the command, unchanged, for sh. */
export function execDocument(command: string): CommandDocument {
  return documentOf('runs a command', command.split('\n'));
}

/**
 * Returns the document of `signal`: `kill -<signal> $(cat <pidFile>)`. The file must contain one process id and nothing else: kill would
 * also accept a list of processes, a process group (with a minus) or the group of the script itself (0).
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

/** Returns the problem of a text that becomes part of a document; undefined if there is none. */
export function documentProblem(text: string): string | undefined {
  if (text.includes('{{')) {
    return 'the text contains {{, which Systems Manager would replace ({{ssm:…}} by a parameter of the account): put the command into a script on the instance, and call the script';
  }
  return text.includes('\0') ? 'the text contains a NUL character, which ends a command; remove it' : undefined;
}

/**
 * SSM Agent passes parameters as variables since version 3.3.2746.0. With an older agent the variables are missing, and the script stops
 * before the command. (AWS's alternative for old agents, "{{secretArn}}" in the script, would put the event's text into a shell line.)
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
